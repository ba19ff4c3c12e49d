"use strict";

// Moves full garbage collections of Node from the midst of requests to the
// pauses between them. To copy into an application:
//
//     const outOfBandGC = require("./out-of-band-gc");
//     http.createServer(outOfBandGC(listener)).listen(process.env.PORT);
//
// The listener is a function of request and response, such as an Express app.
//
// Node cannot be kept from collecting. But while the heap stays small it has
// no reason for a full collection, and only makes its short ones. When the heap
// has grown by a certain amount, this asks Peregrine for a pause, with a header
// of some response. Peregrine then sends no more requests until those that run
// are finished, and sends the one request by which this collects.
//
// Without Peregrine it does nothing at all.

const { createHash, timingSafeEqual } = require("node:crypto");
const v8 = require("node:v8");
const vm = require("node:vm");

// A pause is due when the heap has grown by so many bytes.
const DUE_BYTES = 64 * 1024 * 1024;

function outOfBandGC(listener, { dueBytes = DUE_BYTES } = {}) {
  const {
    PEREGRINE_OOB_WORK_METHOD: method,
    PEREGRINE_OOB_WORK_PATH: path,
    PEREGRINE_OOB_WORK_TOKEN: token,
  } = process.env;
  if (!token) return listener;

  const collect = globalThis.gc ?? exposedGC();
  let heapAfterWork = heapUsed();

  return (request, response) => {
    const isWork =
      request.method === method &&
      request.url === path &&
      isEqual(request.headers["!~oob-work-token"], token);
    if (isWork) {
      // No request runs now.
      collect();
      heapAfterWork = heapUsed();
      response.writeHead(204).end();
      return;
    }
    // What earlier requests have left.
    if (heapUsed() - heapAfterWork >= dueBytes) {
      response.setHeader("!~Request-OOB-Work", "true");
    }
    listener(request, response);
  };
}

// What `node --expose-gc` does, for a process that was started without.
function exposedGC() {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

function heapUsed() {
  return v8.getHeapStatistics().used_heap_size;
}

// In a time that does not tell how much of it is right.
function isEqual(given, expected) {
  const digest = (text) => createHash("sha256").update(String(text)).digest();
  return timingSafeEqual(digest(given), digest(expected));
}

module.exports = outOfBandGC;
