// A service that knows nothing of Hirewire: it consumes one plain queue and sends to another.
// node plain.js URL CONSUMES SENDS
const { randomUUID } = require("crypto");
const { MessageBroker } = require("./broker");

async function main([url, consumes, sends]) {
  const broker = new MessageBroker();
  await broker.connect(url);
  await broker.subscribe(consumes, async (user) => {
    console.log(JSON.stringify({ received: consumes, user }));
    await broker.publish(sends, { userId: user.id, companyId: randomUUID(), phone: null });
  });
  console.log("ready");
}

main(process.argv.slice(2));
