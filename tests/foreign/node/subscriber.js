// Consumes events of Hirewire from a queue of its own, bound to the exchange.
// node subscriber.js URL EVENT...
const { MessageBroker } = require("./broker");

async function main([url, ...events]) {
  const broker = new MessageBroker();
  await broker.connect(url);
  const queue = "node.subscriber";
  await broker.channel.assertQueue(queue, { durable: true });
  for (const event of events) {
    await broker.channel.bindQueue(queue, "hirewire.events", event);
  }
  await broker.subscribe(queue, async (payload, message) => {
    const headers = message.properties.headers;
    console.log(JSON.stringify({
      event: message.fields.routingKey,
      id: headers.cloudEvents_id,
      sequence: headers.cloudEvents_sequence,
      payload,
    }));
  });
  console.log("ready");
}

main(process.argv.slice(2));
