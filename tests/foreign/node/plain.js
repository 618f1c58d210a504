// A service that knows nothing of Hirewire: it hears one plain queue and sends to another.
// node plain.js URL HEARS SENDS
const { randomUUID } = require("crypto");
const { MessageBroker } = require("./broker");

async function main([url, hears, sends]) {
  const broker = new MessageBroker();
  await broker.connect(url);
  await broker.subscribe(hears, async (user) => {
    console.log(JSON.stringify({ heard: hears, user }));
    await broker.publish(sends, { userId: user.id, companyId: randomUUID(), phone: null });
  });
  console.log("ready");
}

main(process.argv.slice(2));
