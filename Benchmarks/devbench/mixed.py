"""What a soak asks of the daemon: each kind of request with the one answer that is right for it."""

import array
import asyncio
import base64
import copy
import functools
import json
import random
import re
import time

from . import pgwire
from .paced import Client

USERS = 2000  # of the data in shared/bench/schema.sql; those above QUIET belong to interactive transactions
QUIET = 1900
RAW = {"operation": "queryRaw", "params": {}}


class Mixed:
    """Kinds of requests, what they took, and the answers that were not as they should be."""

    def __init__(self, facts, requests, target):
        self.target, self.begin = target, time.monotonic()
        host, port = facts["httpUrl"].split("//")[1].split(":")
        self.client = Client(host, int(port))
        self.secrets = [facts["prismaPostgresUrl"].split("api_key=")[1], facts["password"]]
        self.headers = {"content-type": "application/json", "authorization": f"Bearer {self.secrets[0]}", "prisma-engine-hash": "7.10.0",
                        "x-capture-telemetry": "error"}
        basic = base64.b64encode(f"{facts['name']}:{facts['password']}".encode()).decode()
        self.driver = {"authorization": f"Basic {basic}", "content-type": 'multipart/form-data; profile="urn:prisma:query"; boundary=----soak'}
        self.requests = requests
        self.heads = {name: json.dumps({k: v for k, v in request.items() if k != "params"})[:-1] for name, request in requests.items()}
        self.heads |= {"taken": _head(_taken(requests["create"])), "in": _head(_in_list())}
        self.number, self.updates = 0, 0
        # Seconds by (minute, kind): an hour of single records would stop this process now and then to be gone through.
        self.took = {}
        # By their text without its numbers: [how often, the first one].
        self.odd, self.counts = {}, {}

    def kinds(self):
        return {self.told(getattr(self, name)): weight for name, weight in WEIGHTS.items()}

    def told(self, work):
        """A kind whose failures are counted, not raised."""
        @functools.wraps(work)
        async def run():
            name = work.__name__
            self.counts[name] = self.counts.get(name, 0) + 1
            try:
                await work()
            except Exception as error:  # Each is a figure: none may end the load.
                text = f"{name}: {type(error).__name__}: {str(error) or 'without words'}"[:300]
                for secret in self.secrets:
                    text = text.replace(secret, "…")
                known = self.odd.setdefault(re.sub(r"\d+", "#", text), [0, text])
                known[0] += 1
                if known[0] == 1:
                    print(f"  unexpected: {text}", flush=True)
        return run

    def unexpected(self):
        return sum(count for count, _ in self.odd.values())

    def reset_clock(self):
        self.begin, self.took = time.monotonic(), {}

    async def ask(self, kind, path, body, status=200, headers=None, has=b""):
        """An answer with its time; one of another status (of several, that may be), or without the words it should have, is an error."""
        start = time.monotonic()
        answer = await self.client.ask(path, {**self.headers, **(headers or {})}, body)
        self.took.setdefault((int(start - self.begin) // 60, kind), array.array("d")).append(time.monotonic() - start)
        if answer.status not in (status if isinstance(status, tuple) else (status,)) or has not in answer.body:
            raise ValueError(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
        return answer

    async def plan(self, name, parameters, path="/query", kind=None, **more):
        return await self.ask(kind or name, path, f"{self.heads[name]}, \"params\": {json.dumps(parameters)}}}".encode(), **more)

    async def sql(self, kind, sql, *values, path="/query", operation="queryRaw", **more):
        arguments = {"type": "rawSql", "sql": sql, "args": list(values), "argTypes": [{"scalarType": "int", "arity": "scalar"}] * len(values)}
        plan = {"type": "query" if operation == "queryRaw" else "execute", "args": arguments}
        return await self.ask(kind, path, json.dumps({"operation": operation, "plan": plan, "params": {}}).encode(), **more)

    # Plain queries

    async def findUnique(self):
        user = random.randint(1, USERS)
        await self.plan("findUnique", {"%1": user}, has=b'"id":%d,' % user)

    async def findMany50(self):
        answer = await self.plan("findMany50", {})
        _same(len(answer.json()["data"]), 50)

    async def nested(self):
        answer = await self.plan("nested", {})
        _same(sum(len(user["posts"]) for user in answer.json()["data"]), 100)

    async def update(self):
        user = random.randint(1, QUIET)
        await self.plan("update", {"%1": user, "%2": 1}, has=b'"id":%d,' % user)
        self.updates += 1

    async def create(self):
        made = (await self.plan("create", {"%1": "soak", "%2": 7})).json()["data"]["id"]
        await self.sql("delete", 'delete from "Comment" where id = $1', made, operation="executeRaw", has=b'"data":1')

    async def raw(self):
        answer = await self.ask("raw", "/query", json.dumps(self.requests["raw"]).encode())
        _same(len(answer.json()["data"]["rows"]), 9)

    # Statement texts and plans that nobody has sent before

    async def inList(self):
        users = random.sample(range(1, USERS + 1), random.randint(1, 700))
        answer = await self.plan("in", {"%1": users}, kind="inList")
        _same(len(answer.json()["data"]), len(users))

    async def newPlan(self):
        self.number += 1
        head = self.heads["findUnique"].replace("AND 1=1", f"AND {self.number}={self.number}")
        await self.ask("newPlan", "/query", f"{head}, \"params\": {{\"%1\": 7}}}}".encode(), has=b'"id":7,')

    # What fails, as it should

    async def unique(self):
        await self.plan("taken", {"%1": "u1@example.com"}, kind="unique", status=400, has=b'"P2002"')

    async def syntax(self):
        await self.sql("syntax", "selec 1", status=400, has=b"42601")

    async def malformed(self):
        await self.ask("malformed", "/query", b'{"plan": [', status=400)

    async def wrongKey(self):
        key = self.secrets[0][:-8] + "AAAAAAAA"
        await self.ask("wrongKey", "/query", b"{}", status=401, headers={"authorization": f"Bearer {key}"})

    async def hangUp(self):
        body = json.dumps({**RAW, "plan": {"type": "query", "args": {"type": "rawSql", "sql": "select pg_sleep(0.2)", "args": [],
                                                                     "argTypes": []}}}).encode()
        await self.client.leave("/query", self.headers, body, random.choice([1, 1, 0.5, 0.9]), 0.05)

    # Interactive transactions

    async def start(self, timeout=5000):
        answer = await self.ask("start", "/transaction/start", json.dumps({"maxWait": 5000, "timeout": timeout}).encode())
        return f"/transaction/{answer.json()['id']}"

    async def score(self, path, status=200):
        await self.plan("update", {"%1": random.randint(QUIET + 1, USERS), "%2": 1}, path=path + "/query", kind="itxUpdate", status=status)

    async def itxCommit(self):
        path = await self.start()
        await self.plan("findUnique", {"%1": 7}, path=path + "/query", kind="itxFind", has=b'"id":7,')
        await self.score(path)
        await self.ask("commit", path + "/commit", b"{}")
        self.updates += 1

    async def itxRollback(self):
        path = await self.start()
        await self.score(path)
        if random.random() < 0.5:
            await self.plan("taken", {"%1": "u1@example.com"}, path=path + "/query", kind="itxUnique", status=400, has=b'"P2002"')
        await self.ask("rollback", path + "/rollback", b"{}")

    async def itxExpire(self):
        path = await self.start(timeout=200)
        await self.score(path, status=(200, 409))  # On a machine that is busy elsewhere its time may be over already.
        if random.random() < 0.5:
            await asyncio.sleep(0.5)
            await self.ask("late", path + "/commit", b"{}", status=409, has=b"expired transaction")

    # The cache, the serverless drivers, and a client of the front beside it

    async def cached(self):
        user = random.randint(1, 300)
        await self.plan("findUnique", {"%1": user}, kind="cached", has=b'"id":%d,' % user, headers={
            "cache-control": "max-age=2,stale-while-revalidate=3", "accelerate-cache-tags": f"user{user},users"})

    async def invalidate(self):
        tags = random.choice(["all", ["users"], [f"user{random.randint(1, 300)}"]])
        await self.ask("invalidate", "/invalidate", json.dumps({"tags": tags}).encode())

    async def statement(self):
        part = json.dumps({"query": "select $1::int + 1 as n", "parameters": [{"type": "text", "value": "41"}]})
        body = ('------soak\r\nContent-Disposition: form-data; name="urn:prisma:query:descriptor"\r\n'
                f"Content-Type: application/json\r\n\r\n{part}\r\n------soak--\r\n")
        await self.ask("statement", "/v0/statement?db=postgres", body.encode(), headers=self.driver, has=b'"42"')

    async def front(self):
        rows = await asyncio.get_running_loop().run_in_executor(None, pgwire.ask, self.target, "select 42")
        _same(rows, [["42"]])


# Of a thousand arrivals; `front` comes once a second by itself.
WEIGHTS = {
    "findUnique": 340, "findMany50": 50, "nested": 30, "update": 120, "create": 50, "raw": 60, "inList": 50, "newPlan": 50, "unique": 40,
    "syntax": 30, "malformed": 10, "wrongKey": 15, "hangUp": 10, "itxCommit": 40, "itxRollback": 20, "itxExpire": 5, "cached": 60,
    "invalidate": 5, "statement": 15,
}


def _same(found, wanted):
    if found != wanted:
        raise ValueError(f"{found} where {wanted} is right")


def _head(request):
    return json.dumps(request)[:-1]


def _taken(create):
    """A create of a user, to be given an address that another one has."""
    request = copy.deepcopy(create)
    template = request["plan"]["args"]["expr"]["args"]["args"]
    columns = "\"email\",\"bio\",\"score\",\"balance\",\"active\",\"meta\""
    template["fragments"] = [
        {"type": "stringChunk", "chunk": f"INSERT INTO \"public\".\"User\" ({columns}) VALUES ("}, {"type": "parameter"},
        {"type": "stringChunk", "chunk": ",'',0,0,false,'{}') RETURNING \"public\".\"User\".\"id\""}]
    template["args"], template["argTypes"] = template["args"][:1], template["argTypes"][:1]
    return {"model": "User", "operation": "createOne", "plan": request["plan"]}


def _in_list():
    template = {
        "type": "templateSql",
        "fragments": [
            {"type": "stringChunk", "chunk": "SELECT \"public\".\"User\".\"id\" FROM \"public\".\"User\" WHERE \"public\".\"User\".\"id\" IN "},
            {"type": "parameterTuple", "itemPrefix": "", "itemSeparator": ",", "itemSuffix": ""}, {"type": "stringChunk", "chunk": " OFFSET "},
            {"type": "parameter"}],
        "args": [{"prisma__type": "param", "prisma__value": {"name": "%1", "type": "Int"}}, "0"],
        "argTypes": [{"arity": "scalar", "scalarType": "int", "dbType": "INTEGER"}, {"arity": "scalar", "scalarType": "bigint", "dbType": None}],
        "placeholderFormat": {"prefix": "$", "hasNumbering": True}, "chunkable": True,
    }
    return {"model": "User", "operation": "findMany", "plan": {"type": "query", "args": template}}
