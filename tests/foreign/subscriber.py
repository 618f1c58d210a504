"""`python subscriber.py URL`: consumes registrations, and makes every second user an employer."""

import json
import sys
import uuid

import pika

connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
channel = connection.channel()
channel.queue_declare("python.subscriber", durable=True)
channel.queue_bind("python.subscriber", "hirewire.events", "user.registered")
channel.basic_qos(prefetch_count=10)
received = set()
print("ready", flush=True)
for method, properties, body in channel.consume("python.subscriber"):
    user = json.loads(body)
    if properties.headers["cloudEvents_id"] not in received:
        received.add(properties.headers["cloudEvents_id"])
        print(user["id"], flush=True)
        if len(received) % 2 == 0:
            company = {"userId": user["id"], "companyId": str(uuid.uuid4()), "phone": None}
            channel.basic_publish(
                "hirewire.events",
                "employer.profile.created",
                json.dumps(company).encode(),
                pika.BasicProperties(delivery_mode=2, message_id=f"python {user['id']}"),
            )
    channel.basic_ack(method.delivery_tag)
