// SPDX-License-Identifier: MIT
// Recorded by tests/soak/imports.py: three workers, each with a heap of its own.
const { Worker, isMainThread } = require('worker_threads');

if (isMainThread) {
  for (let i = 0; i < 3; i++) new Worker(__filename);
} else {
  const kept = [];
  for (let i = 0; i < 200; i++) {
    kept.push(Buffer.alloc(200000 + i * 999));
    if (kept.length > 20) kept.shift();
  }
}
