"""x"""
from bench import hour
async def run(bench, options):
    return await hour.run(bench, options)
