"use strict";
// The helper of the lab report, unchanged: one channel, prefetch 10, JSON.parse, a SELECT that checks
// for the row, an INSERT, ack; nack without requeue if that fails. A connection pool of 10.

const readline = require("node:readline");
const amqplib = require("amqplib");
const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.BENCH_READER, max: 10 });

async function handle(id, payload) {
  const existing = await pool.query("SELECT 1 FROM note WHERE id = $1", [id]);
  if (existing.rows.length > 0) {
    return;
  }
  await pool.query("INSERT INTO note (id, number) VALUES ($1, $2)", [id, payload.number]);
}

async function consume(channel, queue) {
  await channel.consume(queue, async (msg) => {
    if (!msg) {
      return;
    }
    try {
      await handle(msg.properties.messageId, JSON.parse(msg.content.toString()));
      channel.ack(msg);
    } catch (err) {
      console.error(`Failed to process ${queue} message`, err);
      channel.nack(msg, false, false);
    }
  });
}

async function main() {
  const clients = await Promise.all(Array.from({ length: 10 }, () => pool.connect()));
  clients.forEach((client) => client.release());
  const connection = await amqplib.connect(process.env.BENCH_BROKER);
  const channel = await connection.createChannel();
  await channel.prefetch(10);
  const input = readline.createInterface({ input: process.stdin });
  input.once("line", () => consume(channel, process.env.BENCH_QUEUE));
  input.once("close", async () => {
    await connection.close();
    await pool.end();
  });
  console.log("ready");
}

main();
