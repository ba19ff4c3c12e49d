// Speaks something else than HTTP where a client offers it: "websocket", in which
// each message comes back, or "echo", in which all bytes do. Without a library,
// since Node itself brings none.
//
//   /socket    speaks so
//   /halves    the same, after a message that it ends only when it is told goodbye
//   /open      how many such connections there are
//   /cached    may be cached for a minute
//   other      the id of this process

const { createHash } = require("node:crypto");
const { createServer } = require("node:http");

let open = 0;
let renderings = 0;

const server = createServer((request, response) => {
  response.setHeader("content-type", "text/plain");
  if (request.url === "/open") return response.end(`${open}`);
  if (request.url === "/cached") {
    response.setHeader("cache-control", "public, max-age=60");
    return response.end(`rendering ${++renderings}`);
  }
  response.end(`${process.pid}`);
});

// Node calls this for each offer, and answers by itself if nobody listens.
server.on("upgrade", (request, socket, head) => {
  const protocols = request.headers.upgrade.toLowerCase();
  if (!["/socket", "/halves"].includes(request.url)) {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    return;
  }
  open++;
  socket.on("close", () => open--);
  socket.on("error", () => {});
  if (protocols.includes("websocket")) {
    const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const hash = createHash("sha1").update(request.headers["sec-websocket-key"] + magic);
    switchTo(socket, "websocket", `Sec-WebSocket-Accept: ${hash.digest("base64")}\r\n`);
    echoMessages(socket, request.url === "/halves" ? ["\x81\x0bone", " and two"] : ["", ""]);
  } else {
    switchTo(socket, "echo", "");
    socket.on("end", () => socket.end("that was all"));
    // It pauses when the client does not listen.
    socket.on("data", (data) => {
      if (!socket.write(data)) socket.pause();
    });
    socket.on("drain", () => socket.resume());
  }
  if (head.length > 0) socket.unshift(head);
});

function switchTo(socket, protocol, fields) {
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n" +
      `Upgrade: ${protocol}\r\n${fields}\r\n`,
  );
}

// RFC 6455 §5.2, for frames that are whole messages.
function echoMessages(socket, [first, last]) {
  let bytes = Buffer.alloc(0);
  let said = "nothing";
  socket.write(first, "latin1");
  socket.on("end", () => socket.end());
  socket.on("data", (data) => {
    bytes = Buffer.concat([bytes, data]);
    for (let frame; (frame = takeFrame()); ) {
      if (frame.opcode !== 8) {
        said = `${frame.content.length} bytes`;
        socket.write(frame.reply);
        continue;
      }
      const status = frame.content.length > 0 ? frame.content.readUInt16BE() : 1005;
      console.log(`a socket was closed with ${status} after ${said}`);
      socket.write(last, "latin1");
      socket.end(frame.reply);
    }
  });

  function takeFrame() {
    if (bytes.length < 2) return null;
    let length = bytes[1] & 0x7f;
    let at = 2;
    if (length === 126) [length, at] = [bytes.length < 4 ? NaN : bytes.readUInt16BE(2), 4];
    if (length === 127) [length, at] = [bytes.length < 10 ? NaN : Number(bytes.readBigUInt64BE(2)), 10];
    if (!(bytes.length >= at + 4 + length)) return null;
    const mask = bytes.subarray(at, at + 4);
    const content = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
    for (let i = 0; i < content.length; i++) content[i] ^= mask[i % 4];
    const [first] = bytes;
    const opcode = first & 0x0f;
    // The same head without the mask; a pong for a ping.
    const head = Buffer.from(bytes.subarray(0, at));
    head[1] &= 0x7f;
    if (opcode === 9) head[0] = (first & 0xf0) | 10;
    bytes = bytes.subarray(at + 4 + length);
    return { opcode, content, reply: Buffer.concat([head, content]) };
  }
}

server.listen(process.env.PORT ?? process.argv[2]);
process.on("SIGTERM", () => process.exit());
