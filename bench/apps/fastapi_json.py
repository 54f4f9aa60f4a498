"""A FastAPI path operation that answers with JSON."""
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def hat():
    return {"colours": ["black", "red", "green"], "corners": 3, "name": "tricorn"}
