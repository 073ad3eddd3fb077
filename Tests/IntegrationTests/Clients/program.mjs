// A program of the stock Prisma client on prisma+postgres:// URLs of two instances.
//   node program.mjs BUNDLE URL OTHER_URL DATA_DIRECTORY     all of it; the server of URL is killed on the way
//   node program.mjs BUNDLE URL                              one query
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const [bundle, url, otherUrl, dataDirectory] = process.argv.slice(2)
const require = createRequire(bundle + '/examples/')
const { PrismaClient, Prisma } = require('../shop/client')
const db = new PrismaClient({ accelerateUrl: url })
const code = async (work) => { try { await work } catch (e) { return e.code ?? String(e) } }
if (!otherUrl) {
  console.log('users', await db.user.count())
  process.exit(0)
}
const other = new PrismaClient({ accelerateUrl: otherUrl })

// Nested writes, every kind of field there and back.
const ada = await db.user.create({
  data: {
    email: 'ada@example.com', role: 'ADMIN', balance: '12.50', big: 9007199254740993n, score: 0.1, bin: new Uint8Array([0, 255]),
    meta: { a: [1, null, 'ä'] }, tags: ['x', 'y"z'], born: new Date('1815-12-10'), profile: { create: { bio: 'b' } },
    posts: { create: [{ title: 'one', labels: { connectOrCreate: { where: { name: 'l' }, create: { name: 'l' } } } }, { title: 'two' }] },
  },
  include: { posts: { include: { labels: true }, orderBy: { id: 'asc' } }, profile: true },
})
assert.equal(String(ada.balance), '12.5')
assert.deepEqual([ada.big, [...ada.bin], ada.meta, ada.tags], [9007199254740993n, [0, 255], { a: [1, null, 'ä'] }, ['x', 'y"z']])
assert.deepEqual([ada.born.toISOString(), ada.profile.bio, ada.posts[0].labels[0].name], ['1815-12-10T00:00:00.000Z', 'b', 'l'])
const changed = await db.user.update({
  where: { id: ada.id },
  data: { posts: { update: { where: { id: ada.posts[0].id }, data: { views: { increment: 2 } } }, delete: { id: ada.posts[1].id }, create: { title: 'three' } } },
  include: { posts: { orderBy: { id: 'asc' } } },
})
assert.deepEqual(changed.posts.map((p) => [p.title, p.views]), [['one', 2], ['three', 0]])
assert.equal((await db.user.upsert({ where: { email: 'bob@example.com' }, create: { email: 'bob@example.com' }, update: {} })).role, 'USER')
assert.deepEqual((await db.user.findMany({ orderBy: { id: 'asc' }, select: { email: true, _count: { select: { posts: true } } } })).map((u) => u._count.posts), [2, 0])
assert.equal((await db.post.aggregate({ _sum: { views: true } }))._sum.views, 2)
assert.equal((await db.user.createManyAndReturn({ data: [{ email: 'c' }, { email: 'd' }] })).length, 2)
assert.equal((await db.user.deleteMany({ where: { email: { in: ['c', 'd'] } } })).count, 2)
console.log('crud')

// Errors have Prisma's codes.
assert.equal(await code(db.user.create({ data: { email: 'ada@example.com' } })), 'P2002')
assert.equal(await code(db.user.update({ where: { id: -1 }, data: { name: 'x' } })), 'P2025')
assert.equal(await code(db.user.delete({ where: { id: ada.id } })), 'P2003')
assert.equal(await code(db.$queryRaw`select nope`), 'P2010')
console.log('errors')

// Raw values both ways.
const [row] = await db.$queryRaw`select ${42n}::int8 as big, ${new Date(0)}::timestamptz as at, ${new Uint8Array([1])}::bytea as b, ${['a', 'b']}::text[] as t, ${{ q: 1 }}::jsonb as j`
assert.deepEqual([row.big, row.at.getTime(), [...row.b], row.t, row.j], [42n, 0, [1], ['a', 'b'], { q: 1 }])
assert.equal(await db.$executeRaw`update "Post" set views = views + ${1}`, 2)
// As the server itself reads dates.
assert.equal((await db.$queryRaw`select '01/02/2024'::date as d`)[0].d.toISOString(), '2024-01-02T00:00:00.000Z')
// What can't be sent is refused as PostgreSQL refuses it.
await assert.rejects(db.$queryRawUnsafe('select 1\0 as a'), (e) => e.code === 'P2010' && /08P01/.test(JSON.stringify(e.meta)))
console.log('raw')

// Transactions.
await db.$transaction(async (tx) => { await tx.label.create({ data: { name: 'kept' } }); assert.equal(await tx.label.count(), 2) }, { isolationLevel: 'Serializable' })
await assert.rejects(db.$transaction(async (tx) => { await tx.label.create({ data: { name: 'gone' } }); throw new Error('no') }), /no/)
assert.equal(await code(db.$transaction([db.label.create({ data: { name: 'gone' } }), db.label.create({ data: { name: 'kept' } })])), 'P2002')
assert.equal(await db.label.count(), 2)
const slow = db.$transaction(async (tx) => {
  await tx.label.create({ data: { name: 'late' } })
  await tx.$queryRaw`select 1 as n from pg_sleep(0.5)`
  await tx.label.create({ data: { name: 'later' } })
}, { timeout: 200 })
assert.equal(await code(slow), 'P2028')
assert.equal(await db.label.count(), 2)
// A plan of several statements whose transaction expires in the first one: the second must not run on its own.
const { host, searchParams } = new URL(url.replace('prisma+postgres:', 'http:'))
const post = async (path, body) => {
  const headers = { authorization: `Bearer ${searchParams.get('api_key')}`, 'content-type': 'application/json' }
  const response = await fetch(`http://${host}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, ...await response.json() }
}
const { id } = await post('/transaction/start', { maxWait: 2000, timeout: 200 })
const statement = (sql) => ({ type: 'execute', args: { type: 'rawSql', sql, args: [], argTypes: [] } })
const statements = [statement('select pg_sleep(0.5)'), statement(`insert into "Label" (name) values ('alone')`)]
const expired = await post(`/transaction/${id}/query`, { operation: 'executeRaw', params: {}, plan: { type: 'seq', args: statements } })
assert.deepEqual([expired.status, expired.code, await db.label.count()], [409, 'P2028', 2])
// A transaction is its database's: the key of another one finds none.
const key = JSON.parse(Buffer.from(searchParams.get('api_key'), 'base64url'))
const elsewhere = new URL(key.databaseUrl)
elsewhere.pathname = '/elsewhere'
const foreign = Buffer.from(JSON.stringify({ ...key, databaseUrl: String(elsewhere) })).toString('base64url')
const open = await post('/transaction/start', { maxWait: 2000, timeout: 5000 })
const commit = async (apiKey) => await (await fetch(`http://${host}/transaction/${open.id}/commit`, { method: 'POST', headers: { authorization: `Bearer ${apiKey}` } })).json()
assert.match((await commit(foreign)).error, /Transaction not found/)
assert.deepEqual(await commit(searchParams.get('api_key')), {})
// Less time than none has passed when it begins; none at all was not given.
const refused = async (maxWait, timeout) => (await post('/transaction/start', { maxWait, timeout })).error
assert.match(await refused(-5, -1), /Unable to start a transaction in the given time/)
assert.match(await refused(1000, 0), /timeout is required/)
// JSON that is only too much is not called wrong.
const deep = await fetch(`http://${host}/query`, {
  method: 'POST', headers: { authorization: `Bearer ${searchParams.get('api_key')}`, 'content-type': 'application/json' },
  body: `{"operation":"x","params":{"a":${'['.repeat(900)}${']'.repeat(900)}},"plan":{"type":"value","args":1}}`,
})
assert.deepEqual([deep.status, /500 levels/.test(await deep.text())], [400, true])
// Prisma 6's default engine is told the ways out.
const six = await post('/6.19.3/' + '0a'.repeat(32) + '/graphql', {})
assert.match(six.EngineNotStarted.reason.KnownEngineStartupError.msg, /engineType = "client"/)
console.log('transactions')

// Two instances at once, each with its own rows.
await Promise.all([db, other].flatMap((client, n) => Array.from({ length: 40 }, (_, i) => client.label.create({ data: { name: `c${n}-${i}` } }))))
assert.deepEqual([await db.label.count(), await other.label.count()], [42, 40])
console.log('two')

// The server dies under load: what fails fails as Prisma's errors do, and the next call works.
const pid = Number(readFileSync(dataDirectory + '/postmaster.pid', 'utf8').split('\n')[0])
let done = 0
const load = Array.from({ length: 8 }, async () => {
  for (let i = 0; i < 40; i++) {
    try {
      await db.user.findMany({ include: { posts: true } })
      if (++done === 40) {
        process.kill(pid, 'SIGKILL')
        await db.$queryRaw`select pg_sleep(0.1)::text`
      }
    } catch (e) {
      assert(e instanceof Prisma.PrismaClientKnownRequestError && /^P[12]\d{3}$/.test(e.code), String(e) + e.code)
    }
  }
})
await Promise.all(load)
assert.equal(await db.user.count(), 2)
assert.equal(await other.label.count(), 40)
console.log('killed')

// A backend dies, by which PostgreSQL ends all sessions and recovers: what runs fails, what waits for a session does not notice.
const [{ backend }] = await db.$queryRaw`select pg_backend_pid() as backend`
const failures = []
let calls = 0
await Promise.all(Array.from({ length: 8 }, async () => {
  for (let i = 0; i < 40; i++) {
    await db.user.findMany({ include: { posts: true } }).catch((e) => failures.push(`${e.code} ${e.message} ${JSON.stringify(e.meta)}`))
    if (++calls === 40) process.kill(backend, 'SIGKILL')
  }
}))
assert.deepEqual(failures.filter((text) => /57P03|recovery mode|not yet accepting|starting up/.test(text)), [])
assert(failures.length <= 8, failures.join('\n'))
assert.equal(await db.user.count(), 2)
console.log('crashed')
await db.$disconnect()
console.log('ok program')
