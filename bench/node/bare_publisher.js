"use strict";
// What the broker can confirm to a client in Node: persistent messages, 500 of them unconfirmed.

const readline = require("node:readline");
const { once, EventEmitter } = require("node:events");
const { randomUUID } = require("node:crypto");
const amqplib = require("amqplib");

const { count, bytes, exchange, type } = JSON.parse(process.env.BENCH_OPTIONS);
const UNCONFIRMED = 500;

async function publish(channel) {
  const body = Buffer.from(JSON.stringify({ text: "x".repeat(bytes - 11) }));
  const confirms = new EventEmitter();
  let open = 0;
  const started = performance.now();
  for (let n = 0; n < count; n += 1) {
    if (open >= UNCONFIRMED) {
      await once(confirms, "some");
    }
    open += 1;
    const properties = { persistent: true, messageId: randomUUID(), contentType: "application/json" };
    channel.publish(exchange, type, body, properties, (error) => {
      if (error) {
        throw error;
      }
      open -= 1;
      confirms.emit("some");
    });
  }
  await channel.waitForConfirms();
  console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000 }));
}

async function main() {
  const connection = await amqplib.connect(process.env.BENCH_BROKER);
  const channel = await connection.createConfirmChannel();
  const input = readline.createInterface({ input: process.stdin });
  input.once("line", () => publish(channel));
  input.once("close", () => connection.close());
  console.log("ready");
}

main();
