// GET of one page, 100 at a time, with Go's net/http: status, a header and the body of each.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

const workers = 100

func get(client *http.Client, url string) int64 {
	response, err := client.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	if response.StatusCode != 200 || response.ProtoMajor != 2 || response.Header.Get("last-modified") == "" {
		log.Fatal(response.Proto, " ", response.Status)
	}
	return int64(len(body))
}

func main() {
	url := os.Args[1]
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	count, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		ForceAttemptHTTP2: true,
		MaxConnsPerHost:   1,
	}}
	bytes := get(client, url) // dials: the workers then share that connection
	taken := int64(1)
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for atomic.AddInt64(&taken, 1) <= count {
				atomic.AddInt64(&bytes, get(client, url))
			}
		}()
	}
	group.Wait()
	fmt.Printf("units %d\n", bytes/1024)
}
