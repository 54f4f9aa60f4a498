"""
A small Flask application: JSON, a form that remembers in a signed cookie, a streamed response and an upload.

    GET  /            the page that shows all of it
    POST /names       adds a name to the visitor's own list
    POST /names/clear empties that list
    GET  /api/hello   JSON, ?name= greets somebody
    GET  /report.csv  rows of CSV, written while they are computed
    POST /upload      multipart; counts the lines, words and bytes of a text file, keeps nothing
"""

import os
import platform
import time

from flask import Flask, Response, flash, jsonify, redirect, render_template, request, session, url_for

NAMES_MAX = 8
ROWS_MAX = 100_000

app = Flask(__name__)
app.config.update(
    # A demo key that everybody knows; set your own for anything that others can reach.
    SECRET_KEY=os.environ.get("FLASK_SECRET_KEY", "a-demo-key-that-everybody-knows"),
    SESSION_COOKIE_SAMESITE="Lax",
    MAX_CONTENT_LENGTH=64 * 1024 * 1024,
)


@app.get("/")
def page():
    return render_template("page.html", names=session.get("names", []), python=platform.python_version())


@app.post("/names")
def add_name():
    name = request.form.get("name", "").strip()[:60]
    if name:
        # A session is a cookie in the browser, so any worker may answer the next request.
        session["names"] = [name, *session.get("names", [])][:NAMES_MAX]
        flash(f"Hello {name}!", "good")
    else:
        flash("Please write a name first.", "bad")
    return redirect(url_for("page"), 303)


@app.post("/names/clear")
def clear_names():
    session.pop("names", None)
    return redirect(url_for("page"), 303)


@app.get("/api/hello")
def hello():
    return jsonify(greeting=f"Hello {request.args.get('name', 'World')}!", worker=os.getpid())


@app.get("/report.csv")
def report():
    rows = min(request.args.get("rows", 10, type=int), ROWS_MAX)
    pause_ms = min(request.args.get("pause_ms", 0, type=int), 1000)

    def write():
        yield "row,square,written_at\n"
        for row in range(1, rows + 1):
            yield f"{row},{row * row},{time.time():.3f}\n"
            time.sleep(pause_ms / 1000)

    return Response(write(), mimetype="text/csv", headers={"X-Accel-Buffering": "no"})


@app.post("/upload")
def upload():
    file = request.files.get("file")
    if file is None or not file.filename:
        flash("Please choose a file first.", "bad")
    else:
        lines = words = size = 0
        for line in file.stream:
            lines, words, size = lines + 1, words + len(line.split()), size + len(line)
        flash(f"{file.filename}: {lines} lines, {words} words, {size} bytes.", "good")
    return redirect(url_for("page"), 303)
