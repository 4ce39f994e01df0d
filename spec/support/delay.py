"""A TCP proxy that holds every byte back for a while, in both directions: a long way without a narrow one.

    delay.py TARGET_PORT SECONDS [later]

`later`: from SIGUSR1 on. Prints {"port": ...} when it listens on 127.0.0.1.
"""

import asyncio
import json
import signal
import sys

PIECE = 65536


async def carry(reader, writer, way):
    """Reads without waiting for what was read before to be due."""
    loop = asyncio.get_running_loop()
    pieces = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    delivery = asyncio.create_task(deliver())
    data = b"."
    while data:
        try:
            data = await reader.read(PIECE)
        except ConnectionError:
            data = b""
        pieces.put_nowait((loop.time() + way["seconds"], data))
    await asyncio.gather(delivery, return_exceptions=True)


async def run(target, seconds, later):
    way = {"seconds": 0 if later else seconds}
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, way.update, {"seconds": seconds})

    async def accept(reader, writer):
        onward, back = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(carry(reader, back, way), carry(onward, writer, way))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main():
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2]), "later" in sys.argv[3:]))


if __name__ == "__main__":
    main()
