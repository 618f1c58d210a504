"use strict";
// What the broker can deliver to a client in Node: it consumes and acks, and does nothing else.

const readline = require("node:readline");
const amqplib = require("amqplib");

const { count } = JSON.parse(process.env.BENCH_OPTIONS);

async function main() {
  const connection = await amqplib.connect(process.env.BENCH_BROKER);
  const channel = await connection.createChannel();
  await channel.prefetch(500);
  const input = readline.createInterface({ input: process.stdin });
  let done = 0;
  let first = 0;

  function take(msg) {
    if (done === 0) {
      first = performance.now();
    }
    channel.ack(msg);
    done += 1;
    if (done === count) {
      console.log(JSON.stringify({ seconds: (performance.now() - first) / 1000 }));
    }
  }

  input.once("line", () => channel.consume(process.env.BENCH_QUEUE, take));
  input.once("close", () => connection.close());
  console.log("ready");
}

main();
