// The stock client with the Accelerate extension.
//   node accelerate.mjs BUNDLE URL DEV    DEV: the program, whose environment names the home
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'

const [bundle, url, program] = process.argv.slice(2)
const require = createRequire(bundle + '/examples/')
const { PrismaClient } = require('../shop/client')
const { withAccelerate } = require('@prisma/extension-accelerate')
const plain = new PrismaClient({ accelerateUrl: url })
const db = plain.$extends(withAccelerate())
const dev = (...words) => execFileSync(program, words, { encoding: 'utf8' })
const status = () => JSON.parse(dev('status', 'default', '--json'))
const wait = (ms) => new Promise((done) => setTimeout(done, ms))

// A miss, hits, a stale answer that is asked for anew behind it, an invalidated one. The rows change unseen.
const ask = async (cacheStrategy, where) => {
  const { data, info } = await db.label.findMany({ where, orderBy: { name: 'asc' }, cacheStrategy }).withAccelerateInfo()
  assert.equal(info.region, 'LOCAL')
  assert.match(info.requestId, /^[0-9a-f]{16}-LOCAL$/)
  assert(Math.abs(info.lastModified - Date.now()) < 60_000, String(info.lastModified))
  return [info.cacheStatus, data.map((l) => l.name).join(), info.signature]
}
const seen = async (...words) => (await ask(...words)).slice(0, 2)
const long = { ttl: 600, swr: 60, tags: ['labels'] }
await plain.label.create({ data: { name: 'a' } })
assert.deepEqual(await seen(undefined), ['none', 'a'])
assert.deepEqual(await seen(long), ['miss', 'a'])
await plain.label.create({ data: { name: 'b' } })
assert.deepEqual(await seen(long), ['ttl', 'a'])
assert.deepEqual(await seen(undefined), ['none', 'a,b'])
assert.deepEqual(await seen(long, { name: 'b' }), ['miss', 'b'])
assert.equal((await ask(long))[2], (await ask(undefined))[2])
const old = { swr: 600 }
assert.deepEqual(await seen(old), ['swr', 'a'])
for (let n = 0; (await seen({ ttl: 600 }))[1] !== 'a,b'; n++) { assert(n < 200, 'it was not asked for anew'); await wait(20) }
await plain.label.create({ data: { name: 'c' } })
await db.$accelerate.invalidate({ tags: ['others'] })
assert.deepEqual(await seen(long), ['ttl', 'a,b'])
const { requestId } = await db.$accelerate.invalidate({ tags: ['labels'] })
assert.match(requestId, /-LOCAL$/)
assert.deepEqual(await seen(long), ['miss', 'a,b,c'])
await db.$accelerate.invalidateAll()
assert.deepEqual(await seen(long), ['miss', 'a,b,c'])
await assert.rejects(db.$accelerate.invalidate({ tags: [] }), /400 Bad Request. Invalid input/)
await assert.rejects(db.$accelerate.invalidate({ tags: [1] }), /400 Bad Request. Invalid input/)
console.log('cache')

// Nothing of a transaction, and no write, gets in; nor an error.
await db.$transaction(async (tx) => {
  await tx.label.create({ data: { name: 'd' } })
  assert.equal((await tx.label.findMany({ orderBy: { name: 'asc' }, cacheStrategy: long })).length, 4)
  throw new Error('undone')
}).catch((e) => assert.equal(e.message, 'undone'))
assert.deepEqual(await seen(long), ['ttl', 'a,b,c'])
const { host, searchParams } = new URL(url.replace('prisma+postgres:', 'http:'))
const post = async (path, body, headers = {}) => {
  const all = { authorization: `Bearer ${searchParams.get('api_key')}`, 'content-type': 'application/json', ...headers }
  const response = await fetch(`http://${host}${path}`, { method: 'POST', headers: all, body: JSON.stringify(body) })
  return { status: response.status, cache: response.headers.get('accelerate-cache-status'), ...await response.json() }
}
const insert = (type) => ({ type: 'query', args: {
  type, sql: `insert into "Label" (name) values (gen_random_uuid()) returning id`, fragments: [{ type: 'stringChunk', chunk: `insert into "Label" (name) values (gen_random_uuid()) returning id` }],
  placeholderFormat: { prefix: '$', hasNumbering: true }, chunkable: false, args: [], argTypes: [] } })
for (const type of ['templateSql', 'templateSql', 'rawSql']) {
  const answer = await post('/query', { model: 'Label', operation: 'findMany', params: {}, plan: insert(type) }, { 'cache-control': 'max-age=600' })
  assert.deepEqual([answer.status, answer.cache], [200, 'none'])
}
assert.equal(await plain.label.count(), 6)
const wrong = { type: 'query', args: { type: 'templateSql', fragments: [{ type: 'stringChunk', chunk: 'SELECT 1/(SELECT count(*) - 6 FROM "Label")' }], placeholderFormat: { prefix: '$', hasNumbering: true }, chunkable: false, args: [], argTypes: [] } }
for (let n = 0; n < 2; n++) assert.equal((await post('/query', { operation: 'findMany', params: {}, plan: wrong }, { 'cache-control': 'max-age=600' })).status, 400)
await plain.label.deleteMany({ where: { name: { contains: '-' } } })
assert.equal((await post('/query', { operation: 'findMany', params: {}, plan: wrong }, { 'cache-control': 'max-age=600' })).status, 200)
console.log('writes')

// Many at once are one query, also when they are slow, and each fails for itself.
const slow = (sql) => ({ operation: 'findMany', params: {}, plan: { type: 'query', args: { type: 'templateSql', fragments: [{ type: 'stringChunk', chunk: sql }], placeholderFormat: { prefix: '$', hasNumbering: true }, chunkable: false, args: [], argTypes: [] } } })
const headers = { 'cache-control': 'max-age=600' }
const many = await Promise.all(Array.from({ length: 20 }, () => post('/query', slow(`SELECT nextval('"Label_id_seq"') AS n, pg_sleep(0.3)::text`), headers)))
assert.equal(new Set(many.map((m) => JSON.stringify(m.data))).size, 1)
assert(many.every((m) => m.cache === 'miss'))
const [leader, follower] = await Promise.all([
  post('/query', slow('SELECT 1 AS n, pg_sleep(0.5)::text'), { ...headers, 'x-query-timeout': '100' }),
  wait(30).then(() => post('/query', slow('SELECT 1 AS n, pg_sleep(0.5)::text'), headers)),
])
assert.deepEqual([leader.status, follower.status, follower.cache], [422, 200, 'miss'])
// One whose client leaves strands nobody, and its answer is kept.
const leaving = new AbortController()
const left = fetch(`http://${host}/query`, {
  method: 'POST', signal: leaving.signal, body: JSON.stringify(slow('SELECT 2 AS n, pg_sleep(0.6)::text')),
  headers: { authorization: `Bearer ${searchParams.get('api_key')}`, 'content-type': 'application/json', ...headers },
}).catch((e) => e.name)
await wait(100)
const staying = post('/query', slow('SELECT 2 AS n, pg_sleep(0.6)::text'), headers)
await wait(100)
leaving.abort()
assert.deepEqual([await left, (await staying).cache], ['AbortError', 'miss'])
assert.equal((await post('/query', slow('SELECT 2 AS n, pg_sleep(0.6)::text'), headers)).cache, 'ttl')
const { cache } = status()
assert(cache.entries > 0 && cache.bytes > 0 && cache.bytes < cache.capacity && cache.hits > 3 && cache.stale === 1 && cache.misses > 20, JSON.stringify(cache))
console.log('flight')

// The hosted service's errors as the client shows them, each while its limit is on; they hold at once.
const code = async (work) => { try { await work } catch (e) { return e.code ?? String(e) } }
const limited = async (key, value, work) => {
  dev('config', 'set', key, value, '--name', 'default')
  await work()
  dev('config', 'unset', key, '--name', 'default')
}
const started = Date.now()
await limited('limits.queryTimeout', '300ms', async () => {
  assert.deepEqual(status().limits, { queryTimeout: '300ms' })
  assert.equal(await code(plain.$queryRaw`select pg_sleep(20)::text`), 'P6004')
  assert.equal(await code(plain.$transaction([plain.$queryRaw`select pg_sleep(20)::text`])), 'P6004')
  assert.equal(await code(db.$transaction(async (tx) => { await tx.label.count(); await tx.$queryRaw`select pg_sleep(20)::text` })), 'P6004')
  assert.equal(await plain.label.count(), 3)
})
assert(Date.now() - started < 15_000)
assert.deepEqual(await plain.$queryRaw`select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(20)%' and state = 'active' and pid <> pg_backend_pid()`, [{ n: 0 }])
await limited('limits.responseSize', '2kB', async () => {
  assert.equal(await code(plain.$queryRaw`select repeat('x', 3000) as x`), 'P6009')
  assert.equal(await code(plain.$queryRaw`select repeat('x', 1000) as x`), undefined)
})
await limited('limits.transactionDuration', '300ms', async () => {
  const long = plain.$transaction(async (tx) => { await tx.label.create({ data: { name: 'long' } }); await wait(600); await tx.label.count() }, { timeout: 60_000 })
  assert.equal(await code(long), 'P2028')
  assert.equal(await plain.label.count(), 3)
})
await limited('limits.requestsPerSecond', '3', async () => {
  const codes = await Promise.all(Array.from({ length: 10 }, () => code(plain.$queryRaw`select 1 as n`)))
  assert(codes.includes('P5011') && codes.includes(undefined) && codes.every((c) => c === undefined || c === 'P5011'), String(codes))
  const ends = await Promise.allSettled(Array.from({ length: 10 }, () => db.$accelerate.invalidate({ tags: ['x'] })))
  assert(ends.some((e) => /429 Too Many Requests.*P6003/.test(e.reason?.message)), JSON.stringify(ends))
})
await limited('limits.connections', '1', async () => {
  await plain.$transaction(async (tx) => {
    await tx.label.count()
    assert.equal(await code(plain.$transaction(async (other) => other.label.count(), { maxWait: 100 })), 'P6008')
  })
  // Who waits gets a session when there may be more of them.
  await plain.$transaction(async (tx) => {
    await tx.label.count()
    const waiting = plain.label.count()
    await wait(200)
    dev('config', 'set', 'limits.connections', '3', '--name', 'default')
    assert.equal(await plain.label.count(), 3)
    assert.equal(await waiting, 3)
  }, { timeout: 20_000 })
  dev('config', 'set', 'limits.connections', '1', '--name', 'default')
  // Who need not wait long gets an answer.
  assert(await Promise.all(Array.from({ length: 10 }, () => code(plain.label.count()))).then((all) => all.every((c) => c === undefined)))
})
assert.equal(status().limits, null)
console.log('limits')

await limited('chaos.latency', '300ms', async () => {
  assert.deepEqual(status().chaos, { latency: '300ms' })
  const before = Date.now()
  await plain.label.count()
  assert(Date.now() - before >= 295)
})
await limited('chaos.fail', '50%', async () => {
  const codes = await Promise.all(Array.from({ length: 60 }, () => code(plain.$queryRaw`select 1 as n`)))
  const failed = codes.filter((c) => c === 'P6000').length
  assert(failed >= 5 && failed <= 55 && codes.every((c) => c === undefined || c === 'P6000'), String(codes))
})
assert.equal(status().chaos, null)
assert.equal(await plain.label.count(), 3)
console.log('chaos')
await plain.$disconnect()
console.log('ok accelerate')
