"use strict";

const fs = require("node:fs");
const http = require("node:http");
const outOfBandGC = require("../../../examples/apps/out-of-band/out-of-band-gc");

const now = () => Number(process.hrtime.bigint()) / 1e9;

// What outlives some requests is garbage that only a full collection finds.
const recent = [];

const inner = outOfBandGC(
  (request, response) => {
    const page = Array.from({ length: 20_000 }, (_, number) => ({ number }));
    recent.push(page);
    if (recent.length > 10) recent.shift();
    response.end(`${page.length}\n`);
  },
  // Less than its own default: enough for a test.
  { dueBytes: 8 * 1024 * 1024 },
);

// Writes a line for each request into the file that $JOURNAL names: process,
// method, path, begin and end by the machine's own clock. Node collects when it
// wants to, and the last number is always 0.
const server = http.createServer((request, response) => {
  const begun = now();
  const { end } = response;
  // Before it ends: whoever has the answer may ask for the next page.
  response.end = (...last) => {
    const line = [process.pid, request.method, request.url, begun, now(), 0];
    fs.appendFileSync(process.env.JOURNAL, `${line.join(" ")}\n`);
    return end.apply(response, last);
  };
  inner(request, response);
});

server.listen(process.env.PORT, "127.0.0.1");
process.on("SIGTERM", () => server.close(() => process.exit(0)));
