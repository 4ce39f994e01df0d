#include "net/keylog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void give_up(rill_keylog *keylog, int error)
{
    snprintf(keylog->warning, sizeof(keylog->warning),
             "tls.keylog_file %.180s: %s: no keys are logged", keylog->path, strerror(error));
    keylog->untold = true;
    if (keylog->fd >= 0)
        close(keylog->fd);
    keylog->fd = -1;
}

bool rill_keylog_open(rill_keylog *keylog, const char *path)
{
    *keylog = (rill_keylog){.fd = -1};
    if (path && !strcmp(path, "env"))
        path = secure_getenv("SSLKEYLOGFILE");
    if (!path || !*path)
        return true;
    keylog->path = strdup(path);
    if (!keylog->path)
        return false;
    struct stat what;
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    keylog->fd = open(path, flags, 0600);
    if (keylog->fd < 0 || fstat(keylog->fd, &what))
        give_up(keylog, errno);
    else if (S_ISFIFO(what.st_mode)) /* a reader that goes would end the process by SIGPIPE */
        give_up(keylog, EINVAL);
    return true;
}

void rill_keylog_dispose(rill_keylog *keylog)
{
    if (keylog->path && keylog->fd >= 0)
        close(keylog->fd);
    free(keylog->path);
    *keylog = (rill_keylog){.fd = -1};
}

void rill_keylog_write(rill_keylog *keylog, const char *line)
{
    if (keylog->fd < 0)
        return;
    size_t length = strlen(line);
    /* in one piece: other processes may append to the same file */
    struct iovec pieces[] = {{(char *)line, length}, {(char *)"\n", 1}};
    ssize_t written;
    do
        written = writev(keylog->fd, pieces, 2);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)length + 1)
        give_up(keylog, written < 0 ? errno : ENOSPC);
}

const char *rill_keylog_warning(rill_keylog *keylog)
{
    if (!keylog->untold)
        return NULL;
    keylog->untold = false;
    return keylog->warning;
}
