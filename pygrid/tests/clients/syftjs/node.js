"use strict";

// Give syft.js what a browser has, and run one worker: options on stdin, its outcome on stdout.
const fs = require("node:fs");

// Does not tell by itself when an upload ends, which the speed test waits for.
class XMLHttpRequest extends require("xhr2") {
  constructor() {
    super();
    this.addEventListener("load", () => this.upload.onload?.());
  }
}

Object.assign(globalThis, {
  WebSocket: require("ws"),
  XMLHttpRequest,
  // Its speed test reads `window.name`.
  name: "",
  syft: require("@openmined/syft.js"),
  tf: require("@tensorflow/tfjs-core"),
});
console.log = console.error;
require("./worker.js");

takePart(JSON.parse(fs.readFileSync(0, "utf8")))
  .catch((error) => ({ status: "error", error: error.message }))
  .then((outcome) => {
    fs.writeSync(1, JSON.stringify(outcome));
    process.exit();
  });
