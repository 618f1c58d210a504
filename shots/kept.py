"""Reads the mails that the platform has kept."""

import asyncio

import httpx


async def kept(client: httpx.AsyncClient, to: str, *awaited: str) -> str:
    """The texts of the mails to such an address, once all that is awaited is in them.

    They may still be on their way. After 10 seconds it is what there is.
    """
    text = ""
    for _ in range(100):
        mails = (await client.get("/dev/mail.json")).json()["items"]
        text = "\n".join(one["text"] for one in mails if to in one["to"])
        if text and all(one in text for one in awaited):
            break
        await asyncio.sleep(0.1)
    return text
