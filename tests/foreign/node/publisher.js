// Publishes one event to the exchange; it needs no header that Hirewire knows.
// node publisher.js URL EVENT JSON
const amqp = require("amqplib");

async function main([url, event, json]) {
  const connection = await amqp.connect(url);
  const channel = await connection.createConfirmChannel();
  channel.publish("hirewire.events", event, Buffer.from(json), { persistent: true, mandatory: true });
  await channel.waitForConfirms();
  await connection.close();
}

main(process.argv.slice(2));
