"""A Flask view that answers with JSON."""
from flask import Flask

app = Flask(__name__)


@app.get("/")
def hat():
    return {"colours": ["black", "red", "green"], "corners": 3, "name": "tricorn"}
