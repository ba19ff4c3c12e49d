// What HTTP/1.1 has beyond a head and a body.
//
//   /trailers    a chunked answer with two trailer fields, one for the server alone
//   /received    the header fields, the length of the body and the trailer fields that came

const { createServer } = require("node:http");

const server = createServer(async (request, response) => {
  let length = 0;
  for await (const chunk of request) length += chunk.length;
  if (request.url === "/trailers") {
    response.writeHead(200, { Trailer: "X-Sum, !~Secret", "Cache-Control": "no-store" });
    response.write("a body");
    response.addTrailers({ "X-Sum": "17", "!~Secret": "1" });
    return response.end();
  }
  const { headers, trailers } = request;
  const received = JSON.stringify({ headers, length, trailers });
  // No length: chunked to whoever understands that.
  response.write(received.slice(0, 5));
  response.end(received.slice(5));
});

server.listen(process.argv[2]);
process.on("SIGTERM", () => process.exit());
