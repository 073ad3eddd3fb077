// A program of @prisma/ppg, @prisma/adapter-ppg and the stock client over them.
//   node drivers.mjs BUNDLE '{"endpoint", "username", "password", "database"}' PART [PID_OF_THE_DAEMON]
//   … own '{"username", "password"}'
// The database is that of shop/, with its tables.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [bundle, configText, part, daemon] = process.argv.slice(2)
const require = createRequire(bundle + '/examples/')
globalThis.WebSocket ??= require('ws')
const { client, defaultClientConfig, prismaPostgres, byteArrayParameter, boundedByteStreamParameter, BINARY, TEXT } = require('@prisma/ppg')
const { PrismaPostgresAdapter } = require('@prisma/adapter-ppg')
const { PrismaClient } = require('../shop/client')

const base = defaultClientConfig('postgres://tenant:key@db.prisma.io/postgres')
const transportConfig = JSON.parse(configText)
const of = (change = {}) => ({ ...base, transportConfig: { ...transportConfig, ...change } })
const c = client(of())
const sql = prismaPostgres(of())
const rows = async (statements, text, ...parameters) => (await (await statements.query(text, ...parameters)).rows.collect()).map((r) => r.values)
const failure = async (work) => { try { await work } catch (e) { return e } }
const code = async (work) => (await failure(work))?.code
const until = async (check) => {
  for (let tries = 0; tries < 300; tries++) {
    if (await check()) return
    await new Promise((ok) => setTimeout(ok, 50))
  }
  assert.fail('waited in vain: ' + check)
}
const active = async (text) => (await rows(c, `select count(*)::int from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like $1`, text + '%'))[0][0]
const duplicate = "insert into \"Label\"(name) values ('taken') returning id"
// Each in its own form, by whatever it is sent.
const passThrough = { ...of(), serializers: [{ supports: (v) => v instanceof Uint8Array || v instanceof ReadableStream, serialize: (v) => v }] }

const parts = {
  async statements() {
    assert.deepEqual(await rows(c, 'select 1::int4, $1::bool, $2::text, $3::int8', true, null, 9007199254740993n), [[1, true, null, 9007199254740993n]])
    assert.deepEqual(await sql.sql`select ${2}::int as n, ${'é€😀'} as t`.collect(), [{ n: 2, t: 'é€😀' }])
    assert.deepEqual(await rows(c, 'select 1 where false'), [])
    assert.deepEqual((await c.query('select id, name from "Label" where false')).columns.map((x) => x.oid), [23, 25])
    for (const size of [0, 1024, 1025, 5 << 20]) {
      assert.deepEqual(await rows(c, 'select length($1::text), md5($1)', 'x'.repeat(size)), await rows(c, `select ${size}, md5(repeat('x', ${size}))`))
    }
    const binary = Uint8Array.from({ length: 3000 }, (_, i) => (i % 3 ? 13 - (i % 2) * 3 : i & 255))
    const stream = () => boundedByteStreamParameter(new ReadableStream({ start(s) { s.enqueue(binary); s.close() } }), BINARY, binary.length)
    for (const statements of [client(passThrough), await client(passThrough).newSession()]) {
      for (const size of [0, 5, 1025, 3000]) {
        const value = binary.slice(0, size)
        assert.deepEqual(await rows(statements, 'select $1::bytea', byteArrayParameter(value.slice(), BINARY)), [[Buffer.from(value).toString('base64')]])
      }
      assert.deepEqual(await rows(statements, 'select $1::bytea', stream()), [[Buffer.from(binary).toString('base64')]])
      assert.deepEqual(await rows(statements, 'select length($1::text)', byteArrayParameter(Buffer.from('é'.repeat(900)), TEXT)), [[900]])
      assert.equal(await code(statements.query('select $1::text', byteArrayParameter(new Uint8Array(2000).fill(255), TEXT))), '22021')
      assert.equal(await code(statements.query('select $1::text', 'a\0b')), '22021')
      statements.close?.()
    }
    assert.deepEqual(await rows(c, "select '\\x00ff'::bytea, '{a,NULL}'::text[], '-infinity'::timestamptz, 'NaN'::float8"), [['AP8=', '{a,NULL}', '-infinity', NaN]])
    assert.deepEqual(await rows(c, 'select 1; select 2; set work_mem = 100000'), [[2]])
    assert.deepEqual([await c.exec("insert into \"Label\"(name) values ('taken'), ('other')"), await c.exec("select * from \"Label\" where name in ('taken', 'other')"), await c.exec('begin')], [2, 2, 0])
    // Nothing of it is there for the next one.
    assert.equal(await c.exec("create temp table mine(a int); set search_path = nowhere; select pg_advisory_lock(7); listen news"), 0)
    const left = await Promise.all(Array.from({ length: 8 }, () => rows(c, "select current_setting('search_path'), to_regclass('mine'), (select count(*)::int from pg_locks where locktype = 'advisory'), pg_current_xact_id_if_assigned()")))
    for (const found of left) assert.deepEqual(found, [['"$user", public', null, 0, null]])
    assert.deepEqual(await Promise.all([
      code(c.query('selec')), code(c.query('select * from nowhere')), code(c.query(duplicate)), code(c.exec(duplicate)),
      code(c.query('copy "Label" from stdin')), code(c.query('copy "Label" to stdout')), code(c.query('select $1::int', 'x')),
    ]), ['42601', '42P01', '23505', '23505', '57014', '0A000', '22P02'])
    const unique = await failure(c.query(duplicate))
    assert.deepEqual([unique.details.severity, unique.details.constraint, unique.details.table], ['ERROR', 'Label_name_key', 'Label'])
    // An error behind few rows and behind many.
    for (const count of [3, 100_000]) assert.equal(await code(rows(c, `select 1 / (${count} - g) from generate_series(1, ${count}) g`)), '22012')
  },

  async sessions() {
    const [first, second] = [await c.newSession(), await c.newSession()]
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => (i === 4 ? code(first.query('select 1 / 0')) : rows(first, 'select $1::int', i))))
    assert.deepEqual(answers, Array.from({ length: 10 }, (_, i) => (i === 4 ? '22012' : [[i]])))
    await first.exec('create temp table mine as select 1 as a')
    assert.equal(await code(second.query('select * from mine')), '42P01')
    assert.deepEqual(await rows(first, 'select * from mine'), [[1]])
    // Two transactions that see each other's work when it is committed.
    await first.exec('begin isolation level repeatable read')
    await first.exec("insert into \"Label\"(name) values ('s1')")
    assert.deepEqual(await rows(second, "select count(*)::int from \"Label\" where name = 's1'"), [[0]])
    assert.equal(await code(first.query(duplicate)), '23505')
    assert.equal(await code(first.query('select 1')), '25P02')
    await first.exec('rollback')
    assert.deepEqual(await rows(second, "select count(*)::int from \"Label\" where name = 's1'"), [[0]])
    let sum = 0
    for await (const row of (await second.query('select g, repeat(\'x\', 100) from generate_series(1, 100000) g')).rows) sum += row.values[0]
    assert.equal(sum, 5000050000)
    assert.equal(await code((async () => { for await (const _ of (await second.query('select 1 / (90000 - g) from generate_series(1, 90000) g')).rows); })()), '22012')
    // What a session sets is its own affair.
    await second.exec("set bytea_output = 'escape'")
    assert.deepEqual(await rows(second, "select '\\x005c41ff'::bytea"), [['AFxB/w==']])
    assert.equal(await code(second.query('copy "Label" to stdout')), '0A000')
    assert.deepEqual(await rows(second, 'select 1'), [[1]])
    first.close()
    second.close()
    await sql.transaction(async (tx) => { await tx.exec('insert into "Label"(name) values ($1)', 'kept') })
    assert.equal((await failure(sql.transaction(async (tx) => { await tx.exec("insert into \"Label\"(name) values ('lost')"); throw new Error('mine') }))).message, 'mine')
    assert.equal(await code(sql.transaction((tx) => tx.query(duplicate).collect())), '23505')
    assert.deepEqual(await sql.batch({ query: 'select 1 as a' }, { exec: "delete from \"Label\" where name = 'kept'" }), [[{ a: 1 }], 1])
    assert.deepEqual(await sql.query("select name from \"Label\" where name in ('kept', 'lost')").collect(), [])
    await until(async () => (await rows(c, "select count(*)::int from pg_stat_activity where application_name = 'ppg' and backend_start < now() and state like 'idle in%'"))[0][0] === 0)
  },

  async big() {
    const memory = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${daemon}/status`, 'utf8'))[1])
    await rows(c, 'select 1')
    const before = memory()
    const session = await c.newSession()
    for (const statements of [c, session]) {
      let [count, bytes] = [0, 0]
      for await (const row of (await statements.query("select g, repeat('x', 1000) from generate_series(1, 100000) g")).rows) {
        count++
        bytes += row.values[1].length
        if (count % 20000 === 0) await new Promise((ok) => setTimeout(ok, 20))
      }
      assert.deepEqual([count, bytes], [100000, 100000000])
    }
    assert(memory() - before < 24 << 10, `the daemon grew by ${memory() - before} KB`)
    // Who stops to read stops the server, and who leaves ends its statement.
    const endless = 'select generate_series(1, 1000000000000) as g'
    const aborter = new AbortController()
    const body = '--b\r\nContent-Disposition: form-data; name="urn:prisma:query:descriptor"\r\n\r\n' + JSON.stringify({ query: endless }) + '\r\n--b--\r\n'
    const response = await fetch(transportConfig.endpoint + '/v0/statement?db=' + transportConfig.database, {
      method: 'POST', signal: aborter.signal, body,
      headers: { 'content-type': 'multipart/form-data; boundary=b', authorization: 'Basic ' + btoa(`${transportConfig.username}:${transportConfig.password}`) },
    })
    await response.body.getReader().read()
    await until(async () => await active('select generate') === 1)
    assert(memory() - before < 24 << 10, `the daemon grew by ${memory() - before} KB`)
    aborter.abort()
    await until(async () => await active('select generate') === 0)
    // And before anything has come.
    const waiting = new AbortController()
    const sleeper = fetch(transportConfig.endpoint + '/v0/statement?db=' + transportConfig.database, {
      method: 'POST', signal: waiting.signal, body: body.replace(endless, 'select pg_sleep(600)'),
      headers: { 'content-type': 'multipart/form-data; boundary=b', authorization: 'Basic ' + btoa(`${transportConfig.username}:${transportConfig.password}`) },
    })
    await until(async () => await active('select pg_sleep') === 1)
    waiting.abort()
    await failure(sleeper)
    await until(async () => await active('select pg_sleep') === 0)
    session.close()
  },

  // A client that is killed in its transaction, with a statement under way.
  async killed() {
    const child = spawn(process.execPath, [process.argv[1], bundle, configText, 'victim'], { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((ok) => child.stdout.once('data', ok))
    await until(async () => await active('select pg_sleep') === 1)
    assert.deepEqual(await rows(c, "select count(*)::int from pg_locks where relation = '\"Label\"'::regclass and mode = 'RowExclusiveLock'"), [[1]])
    child.kill('SIGKILL')
    await until(async () => (await rows(c, "select count(*)::int from pg_stat_activity where query like 'select pg_sleep%' and pid <> pg_backend_pid()"))[0][0] === 0)
    assert.deepEqual(await rows(c, "select count(*)::int from \"Label\" where name = 'victim'"), [[0]])
    assert.deepEqual(await rows(c, "select count(*)::int from pg_locks where relation = '\"Label\"'::regclass and mode = 'RowExclusiveLock'"), [[0]])
  },

  async victim() {
    const session = await c.newSession()
    await session.exec('begin')
    await session.exec("insert into \"Label\"(name) values ('victim')")
    console.log('begun')
    await session.query('select pg_sleep(600)')
  },

  async access() {
    for (const change of [{ password: 'wrong' }, { username: 'nobody' }, { username: '%' }, { password: '' }]) {
      const refused = await failure(client(of(change)).query('select 1'))
      assert.deepEqual([refused.name, refused.status, refused.message.startsWith('authentication failed')], ['HttpResponseError', 401, true])
      const session = await client(of(change)).newSession()
      const closed = await failure(session.query('select 1'))
      assert.equal(closed.message, 'WebSocket connection closed (1008 : authentication failed)')
    }
    // As a connection string has them.
    const coded = of({ username: transportConfig.username.replace('o', '%6F'), password: '%' + transportConfig.password.charCodeAt(0).toString(16) + transportConfig.password.slice(1) })
    assert.deepEqual(await rows(client(coded), 'select 1'), [[1]])
    const nowhere = client(of({ database: 'nowhere' }))
    const missing = await failure(nowhere.query('select 1'))
    assert.deepEqual([missing.status, missing.message], [404, 'database "nowhere" does not exist'])
    const session = await nowhere.newSession()
    assert.deepEqual([await code(session.query('select 1')), await code(session.exec('select 1'))], ['3D000', '3D000'])
    session.close()
    await c.exec('drop database if exists "my db" with (force)')
    await c.exec('create database "my db"')
    for (const database of ['my db', 'my%20db']) assert.deepEqual(await rows(client(of({ database })), 'select current_database()'), [['my db']])
  },

  async prisma() {
    const db = new PrismaClient({ adapter: new PrismaPostgresAdapter({ connectionString: base.connectionString, transportConfig }) })
    const ada = await db.user.create({
      data: { email: 'ada', role: 'ADMIN', balance: '12.50', big: 9007199254740993n, score: 0.1, meta: { a: [1, null, 'ä'] }, born: new Date('1815-12-10'), posts: { create: [{ title: 'one' }] } },
      include: { posts: true },
    })
    assert.deepEqual([String(ada.balance), ada.big, ada.score, ada.meta, ada.role, ada.posts[0].title], ['12.5', 9007199254740993n, 0.1, { a: [1, null, 'ä'] }, 'ADMIN', 'one'])
    assert.equal(ada.born.toISOString(), '1815-12-10T00:00:00.000Z')
    // The adapter rejects with plain objects for what the database says.
    assert.equal((await failure(db.user.create({ data: { email: 'ada' } }))).originalCode, '23505')
    assert.equal((await failure(db.user.update({ where: { id: 9999 }, data: { name: 'x' } }))).code, 'P2025')
    assert.equal(await db.$transaction(async (tx) => {
      await tx.label.create({ data: { name: 'in' } })
      return tx.label.count({ where: { name: 'in' } })
    }, { isolationLevel: 'Serializable' }), 1)
    await failure(db.$transaction(async (tx) => { await tx.label.create({ data: { name: 'out' } }); throw new Error('no') }))
    assert.equal(await db.label.count({ where: { name: 'out' } }), 0)
    assert.deepEqual(await db.$queryRaw`select 1::int8 as a, ${'x'} as b, '\\x01ff'::bytea as c`, [{ a: 1n, b: 'x', c: Uint8Array.of(1, 255) }])
    assert.deepEqual(await Promise.all(Array.from({ length: 50 }, () => db.user.count())), Array(50).fill(1))
    await db.$disconnect()
  },

  // A server that goes takes its sessions along; HTTP goes on.
  async lost() {
    for (const isBusy of [true, false]) {
      const session = await c.newSession()
      await session.exec('begin')
      const pid = (await rows(session, 'select pg_backend_pid()'))[0][0]
      const sleeping = isBusy && code(session.query('select pg_sleep(600)'))
      if (isBusy) await until(async () => await active('select pg_sleep') === 1)
      assert.deepEqual(await rows(c, 'select pg_terminate_backend($1)', pid), [[true]])
      assert.equal(await sleeping, isBusy && '57P01')
      await until(() => !session.active)
      assert.equal((await failure(session.query('select 1'))).name, 'WebSocketError')
    }
    assert.deepEqual(await rows(c, 'select 1'), [[1]])
    // No more than may be open; a place that is left is another's.
    const all = await Promise.all(Array.from({ length: 64 }, () => c.newSession()))
    assert.deepEqual(await Promise.all(all.map((s) => rows(s, 'select 1'))), Array(64).fill([[1]]))
    assert.equal((await failure((await c.newSession()).query('select 1'))).closureCode, 1013)
    all.pop().close()
    await until(async () => !(await failure((await c.newSession()).query('select 1'))))
  },

  // On a port of one instance nobody else is known.
  async own() {
    const { username, password } = JSON.parse(daemon)
    assert.deepEqual(await rows(c, 'select 1'), [[1]])
    assert.equal((await failure(client(of({ username, password })).query('select 1'))).status, 401)
    assert.equal((await failure((await client(of({ username, password })).newSession()).query('select 1'))).closureCode, 1008)
  },

  async wake() {
    assert.deepEqual(await rows(c, 'select count(*)::int > 0 from "Label"'), [[true]])
  },
  async wakeSession() {
    assert.equal(await sql.transaction(async (tx) => (await tx.query('select 1 as a').collect())[0].a), 1)
  },
}

await parts[part]()
console.log('ok ' + part)
process.exit(0)
