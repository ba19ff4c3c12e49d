// A small app to try Peregrine with: plain node:http, no framework.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const INDEX = `\
A small app behind Peregrine. Try:

/cached   may be cached for a minute: reload it, and it stays the same
/private  is for one visitor only: reload it, and the number grows
/slow     takes a second; ?seconds=3 takes three
/stream   five lines over a second; ?seconds=5 takes five
/echo     what the app received, as JSON
/pid      the process that answers
`;

let renderings = 0;

const pages = {
  "/": (request, response) => text(response, INDEX),

  "/cached": async (request, response, url) => {
    await sleep(milliseconds(url, 0));
    text(response, rendering(), { cacheControl: "public, max-age=60" });
  },

  "/private": (request, response) => {
    text(response, rendering(), { cacheControl: "private, max-age=60" });
  },

  "/slow": async (request, response, url) => {
    await sleep(milliseconds(url));
    text(response, "worth the wait\n");
  },

  "/stream": async (request, response, url) => {
    const pause = milliseconds(url) / 5;
    response.writeHead(200, headers());
    for (let number = 1; number <= 5; number++) {
      if (number > 1) await sleep(pause);
      const time = (Date.now() / 1000).toFixed(3);
      response.write(`line ${number} of 5, written at ${time}\n`);
    }
    response.end();
  },

  "/echo": async (request, response, url) => {
    const chunks = await request.toArray();
    const received = {
      method: request.method,
      path: url.pathname,
      query: url.search.slice(1),
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    };
    text(response, `${JSON.stringify(received, null, 2)}\n`, { contentType: "application/json" });
  },

  "/pid": (request, response) => text(response, `${process.pid}\n`),
};

function rendering() {
  renderings += 1;
  return `rendering ${renderings} by process ${process.pid}\n`;
}

// What the query asks for, from 0 to 10 seconds.
function milliseconds(url, fallback = 1) {
  const wanted = Number.parseFloat(url.searchParams.get("seconds"));
  return 1000 * Math.min(Math.max(Number.isNaN(wanted) ? fallback : wanted, 0), 10);
}

function text(response, body, { status = 200, ...options } = {}) {
  response.writeHead(status, { ...headers(options), "content-length": Buffer.byteLength(body) });
  response.end(body);
}

function headers({ cacheControl = "no-store", contentType = "text/plain; charset=utf-8" } = {}) {
  return { "cache-control": cacheControl, "content-type": contentType };
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://app");
  const page = pages[url.pathname];
  try {
    if (page) await page(request, response, url);
    else text(response, "no such page\n", { status: 404 });
  } catch (error) {
    // A client that left while its body was read is no reason to stop.
    console.error(error);
    response.destroy();
  }
});

server.listen(process.env.PORT ?? 8080, "127.0.0.1");

process.on("SIGTERM", () => {
  server.close();
  server.closeIdleConnections();
});
