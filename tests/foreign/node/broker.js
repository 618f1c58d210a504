// A helper of the usual shape: one connection, durable queues, JSON bodies, prefetch 10, ack when
// the handler is done, nack without requeue when it throws.
const amqp = require("amqplib");

class MessageBroker {
  async connect(url) {
    this.connection = await amqp.connect(url);
    this.channel = await this.connection.createChannel();
    await this.channel.prefetch(10);
  }

  async publish(queue, message) {
    await this.channel.assertQueue(queue, { durable: true });
    this.channel.sendToQueue(queue, Buffer.from(JSON.stringify(message)), { persistent: true });
  }

  async subscribe(queue, handler) {
    await this.channel.assertQueue(queue, { durable: true });
    await this.channel.consume(queue, async (message) => {
      try {
        await handler(JSON.parse(message.content.toString()), message);
        this.channel.ack(message);
      } catch (error) {
        console.error(error.message);
        this.channel.nack(message, false, false);
      }
    });
  }
}

module.exports = { MessageBroker };
