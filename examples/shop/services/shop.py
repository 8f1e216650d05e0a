#!/usr/bin/python3
"""The shop: `shop serve` takes orders over HTTP, `shop work` processes them. Both keep them in PostgreSQL.

GET /          what is running: version and environment
GET /healthz   200 when the database answers, else 503
GET /orders    every order
POST /orders   {"item": "tea"} places an order

Reads /etc/shop/web.conf and /run/secrets/db-password.
"""

import argparse
import configparser
import http.server
import json
import logging
import os
import signal
import sys
import threading
from contextlib import closing

import psycopg2
import psycopg2.extras

CONFIG = os.environ.get("SHOP_CONFIG", "/etc/shop/web.conf")
PASSWORD_FILE = os.environ.get("SHOP_PASSWORD_FILE", "/run/secrets/db-password")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING, "error": logging.ERROR}
MAX_BODY_BYTES = 64 * 1024
ANY_NUMBER_UNIQUE_TO_THE_SCHEMA = 1406
log = logging.getLogger("shop")


class Database:
    """One connection a question: the service survives a restart of the database."""

    def __init__(self, config, password):
        self.place = {
            "host": config["host"],
            "port": config.get("port", "5432"),
            "dbname": config["name"],
            "user": config["user"],
            "password": password,
            "connect_timeout": 3,
        }

    def ask(self, statement, values=()):
        with closing(psycopg2.connect(**self.place)) as connection, connection:
            with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
                cursor.execute(statement, values)
                return cursor.fetchall() if cursor.description else []

    def make_schema(self):
        """Several replicas start at once: the lock lets one of them make the table."""
        self.ask(
            f"""
            SELECT pg_advisory_xact_lock({ANY_NUMBER_UNIQUE_TO_THE_SCHEMA});
            CREATE TABLE IF NOT EXISTS orders (
                id serial PRIMARY KEY,
                item text NOT NULL,
                state text NOT NULL DEFAULT 'open',
                placed timestamptz NOT NULL DEFAULT now()
            )
            """
        )

    def is_ready(self):
        try:
            self.ask("SELECT 1")
            return True
        except psycopg2.Error as error:
            log.warning("the database does not answer: %s", str(error).strip())
            return False

    def orders(self):
        return self.ask("SELECT id, item, state FROM orders ORDER BY id")

    def place_order(self, item):
        return self.ask("INSERT INTO orders (item) VALUES (%s) RETURNING id, item, state", (item,))[0]

    def process_orders(self):
        """Takes the oldest open orders; several workers never take the same one."""
        return self.ask(
            """
            UPDATE orders SET state = 'done' WHERE id IN (
                SELECT id FROM orders WHERE state = 'open' ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED
            ) RETURNING id
            """
        )


class Handler(http.server.BaseHTTPRequestHandler):
    database = None
    about = None

    def do_GET(self):
        if self.path == "/":
            self.answer(200, self.about)
        elif self.path == "/healthz":
            ready = self.database.is_ready()
            self.answer(200 if ready else 503, {"ready": ready})
        elif self.path == "/orders":
            self.answer_from_database(200, self.database.orders)
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        if self.path != "/orders":
            self.answer(404, {"error": "no such page"})
            return
        item = self.read_item()
        if item is None:
            self.answer(400, {"error": 'an order looks like {"item": "tea"}'})
            return
        self.answer_from_database(201, lambda: self.database.place_order(item))

    def read_item(self):
        try:
            length = int(self.headers.get("Content-Length", "0"))
            order = json.loads(self.rfile.read(length)) if 0 < length <= MAX_BODY_BYTES else None
        except ValueError:
            return None
        item = order.get("item") if isinstance(order, dict) else None
        return item if isinstance(item, str) and item and "\0" not in item else None

    def answer_from_database(self, status, question):
        try:
            self.answer(status, question())
        except psycopg2.Error as error:
            log.error("%s", str(error).strip())
            self.answer(503, {"error": "the database does not answer"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *values):
        log.debug(format, *values)


def serve(database, config, stopped):
    Handler.database = database
    Handler.about = {"version": os.environ.get("SHOP_VERSION", ""), "environment": config["shop"].get("environment", "")}
    server = http.server.ThreadingHTTPServer(("", config["web"].getint("port", 80)), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    log.info("serving on port %s", server.server_port)
    stopped.wait()
    server.shutdown()


def work(database, config, stopped):
    seconds = config["worker"].getfloat("interval", 1)
    log.info("processing orders every %s s", seconds)
    while not stopped.wait(seconds):
        try:
            for order in database.process_orders():
                log.info("order %s is done", order["id"])
        except psycopg2.Error as error:
            log.warning("the database does not answer: %s", str(error).strip())


def wait_for_schema(database, stopped):
    while not stopped.is_set():
        try:
            database.make_schema()
            return
        except psycopg2.OperationalError as error:
            log.warning("the database does not answer yet: %s", str(error).strip())
            stopped.wait(1)


def read_config():
    config = configparser.ConfigParser()
    with open(CONFIG, encoding="utf-8") as file:
        config.read_file(file)
    with open(PASSWORD_FILE, encoding="utf-8") as file:
        return config, file.read().rstrip("\n")


def main():
    parser = argparse.ArgumentParser(prog="shop")
    parser.add_argument("command", choices=["serve", "work"])
    parser.add_argument("--log-level", choices=sorted(LEVELS), default="info")
    arguments = parser.parse_args()
    logging.basicConfig(level=LEVELS[arguments.log_level], format="%(levelname)s %(message)s", stream=sys.stderr)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        config, password = read_config()
    except (OSError, configparser.Error) as error:
        sys.exit(f"shop: {error}")
    database = Database(config["database"], password)
    wait_for_schema(database, stopped)
    if not stopped.is_set():
        {"serve": serve, "work": work}[arguments.command](database, config, stopped)


if __name__ == "__main__":
    main()
