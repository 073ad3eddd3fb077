// Random query plans, sent to Prisma's own executor and to us over the same database: statuses and JSON must agree.
//   node oracle.mjs BUNDLE POSTGRES_URL PRISMA_URL SEED COUNT
// Prints a line per plan that is answered differently, and `ok COUNT` or `differ N` last.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { isDeepStrictEqual } from 'node:util'

const [bundle, postgres, prisma, seedText, countText] = process.argv.slice(2)
let state = Number(seedText) >>> 0
// mulberry32
const random = () => {
  state = (state + 0x6d2b79f5) >>> 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}
const below = (n) => Math.floor(random() * n)
const pick = (list) => list[below(list.length)]
const chance = (p) => random() < p
const times = (n, f) => Array.from({ length: n }, (_, i) => f(i))
const node = (type, args) => ({ type, args })
const value = (v) => node('value', v)
const get = (name) => node('get', { name })
const field = (dbName, type, arity = 'required') => ({ type: 'field', dbName, fieldType: { arity, ...(typeof type === 'string' ? { type } : type) } })

// ---- Types of PostgreSQL: literals, what Prisma binds for them, fields that such columns are mapped to.
const types = {
  bool: { texts: ['t', 'f'], args: [true, false], scalar: 'boolean', fields: ['boolean'] },
  int2: { texts: ['0', '-32768', '7'], args: [0, -5, 32767], scalar: 'int', fields: ['int', 'float', 'bigint', 'decimal'] },
  int4: { texts: ['0', '-2147483648', '42'], args: [1, -1, 2147483647], scalar: 'int', fields: ['int', 'float', 'bigint'] },
  int8: { texts: ['0', '9007199254740993', '-9223372036854775808', '12'], args: ['9007199254740993', 12, '-3'], scalar: 'bigint', fields: ['bigint', 'int', 'decimal'] },
  float4: { texts: ['1.5', '-0', '1e-10', '3.4e38', 'NaN', 'Infinity'], args: [1.5, -2, 1e-7], scalar: 'float', fields: ['float'] },
  float8: { texts: ['0.1', '1e21', '1e-7', '-1.7976931348623157e308', 'NaN', '-Infinity', '123456789.125'], args: [0.1, 1e21, 1e-7, '2.5'], scalar: 'float', fields: ['float', 'int', 'decimal'] },
  numeric: { texts: ['1.10', '0.0000001', '12345678901234567890.123456789', '-0.50', 'NaN', '1000'], args: ['1.10', '-3', 2.5], scalar: 'decimal', fields: ['decimal', 'float', 'string', 'int'] },
  text: { texts: ['', 'a', 'ä"\\ \n😀', 'NULL', '{}', '12', 'true'], args: ['', 'x"y\\z', 'NULL', '12'], scalar: 'string', fields: ['string', 'json', 'enum', 'int', 'boolean'] },
  varchar: { texts: ['a', 'b '], args: ['v'], scalar: 'string', fields: ['string', 'enum'] },
  bpchar: { texts: ['a  '], args: ['c'], scalar: 'string', fields: ['string'] },
  uuid: { texts: ['6f0f6f5e-3c0f-4a39-9d0c-0b8a1d5e2f11'], args: ['6F0F6F5E-3C0F-4A39-9D0C-0B8A1D5E2F11'], scalar: 'uuid', fields: ['string'] },
  json: { texts: ['{"a": [1, 2.50, null]}', '"s"', '1', '[]'], args: ['{"b":1}', '[1,"x"]'], scalar: 'json', fields: ['json', 'string'] },
  jsonb: { texts: ['{"b": 1, "a": {"c": "d"}}', 'null', '[true, 1e2]'], args: ['{"b":1}', '[1,"x"]'], scalar: 'json', fields: ['json', 'object'] },
  bytea: { texts: ['\\x', '\\x00ff68'], args: ['aGk=', 'AP8', ''], scalar: 'bytes', fields: [{ type: 'bytes', encoding: 'array' }] },
  date: { texts: ['2024-02-29', '0099-01-01', '1969-12-31'], args: ['2024-01-02T03:04:05.678Z', '1950-06-07T00:00:00.000Z'], scalar: 'datetime', db: 'DATE', fields: ['datetime', 'string'] },
  time: { texts: ['10:11:12', '23:59:59.123456'], args: ['1970-01-01T03:04:05.678Z'], scalar: 'datetime', db: 'TIME', fields: ['datetime', 'string'] },
  timetz: { texts: ['10:11:12+02', '01:02:03.5-03:30'], args: ['1970-01-01T03:04:05.000Z'], scalar: 'datetime', db: 'TIMETZ', fields: ['datetime', 'string'] },
  timestamp: { texts: ['2024-01-02 03:04:05', '1970-01-01 00:00:00.123456', '0999-12-31 23:59:59'], args: ['2024-01-02T03:04:05.678Z', '1969-12-31T23:59:59.999Z'], scalar: 'datetime', db: 'TIMESTAMP', fields: ['datetime', 'string'] },
  timestamptz: { texts: ['2024-01-02 03:04:05.9+00', '2024-06-30 12:00:00+05:30'], args: ['2024-01-02T03:04:05.000Z'], scalar: 'datetime', db: 'TIMESTAMPTZ', fields: ['datetime', 'string'] },
  inet: { texts: ['10.0.0.1', '::1/64'], args: ['10.0.0.2'], scalar: 'string', fields: ['string'] },
  cidr: { texts: ['10.0.0.0/8'], args: ['10.0.0.0/8'], scalar: 'string', fields: ['string'] },
  'bit(3)': { texts: ['101'], args: ['011'], scalar: 'string', fields: ['string'] },
  varbit: { texts: ['1', '10101'], args: ['0'], scalar: 'string', fields: ['string'] },
  xml: { texts: ['<a b="c"/>'], args: ['<x/>'], scalar: 'string', fields: ['string'] },
  name: { texts: ['n'], args: ['m'], scalar: 'string', fields: ['string'] },
  oracle_mood: { texts: ['sad', 'ok'], args: ['ok'], scalar: 'enum', fields: ['enum', 'string'] },
}
const unread = ['interval', 'point', 'macaddr', 'int4range', 'tsvector', 'regclass', '"char"', 'xid', 'interval[]', 'name[]']
// Not as arrays in Prisma: the reference has no reading, or another one, of these (docs/compatibility.md).
const noArrays = new Set(['timetz', 'name', 'oracle_mood'])
const enums = { Mood: { sad: 'SAD', ok: 'OK', a: 'A', 'b ': 'B' } }
const literal = (text) => "'" + text.replaceAll("'", "''") + "'"
const fieldType = (t) => (t === 'enum' ? { type: 'enum', name: chance(0.9) ? 'Mood' : 'Nobody' } : t)

// ---- Statements
const template = (fragments, args = [], argTypes = [], chunkable = true) =>
  ({ type: 'templateSql', fragments, args, argTypes, chunkable, placeholderFormat: { prefix: '$', hasNumbering: true } })
const chunk = (text) => ({ type: 'stringChunk', chunk: text })

/** Rows of literals: a statement and what its columns are. */
function table(minimum = 0) {
  const names = ['id', 'k', ...times(below(4), (i) => 'c' + i)]
  const kinds = names.map((n) => (n === 'id' ? 'int4' : n === 'k' ? pick(['int4', 'text']) : pick(Object.keys(types))))
  const arrays = names.map((n, i) => n.length > 1 && n !== 'id' && chance(0.25) && !noArrays.has(kinds[i]))
  const cell = (i, row) => {
    if (names[i] === 'id') return String(row + 1)
    if (names[i] === 'k') return chance(0.1) ? null : String(below(3))
    if (chance(0.15)) return null
    if (!arrays[i]) return pick(types[kinds[i]].texts)
    const elements = times(below(4), () => (chance(0.2) ? 'NULL' : '"' + pick(types[kinds[i]].texts).replaceAll('\\', '\\\\').replaceAll('"', '\\"') + '"'))
    return '{' + elements.join(',') + '}'
  }
  const rows = times(minimum + below(5), (r) => names.map((_, i) => cell(i, r)))
  const casts = names.map((n, i) => `v.${n}::${kinds[i]}${arrays[i] ? '[]' : ''} AS ${n}`).join(', ')
  const values = (rows.length ? rows : [names.map(() => null)]).map((r) => '(' + r.map((c) => (c === null ? 'NULL' : literal(c))).join(',') + ')').join(',')
  return { names, kinds, arrays, sql: `SELECT ${casts} FROM (VALUES ${values}) AS v(${names.join(',')})` + (rows.length ? '' : ' WHERE false') }
}

function query(t) {
  const fragments = [chunk(t.sql + (t.sql.endsWith('false') ? ' AND ' : ' WHERE '))]
  switch (below(4)) {
    case 0: return node('query', template([chunk(t.sql + ' ORDER BY v.id::int')]))
    case 1: return node('query', template([...fragments, chunk('v.id::int >= '), { type: 'parameter' }, chunk(' ORDER BY v.id::int')], [below(3)], [{ arity: 'scalar', scalarType: 'int', dbType: null }]))
    case 2: return node('query', template([...fragments, chunk('v.id::int IN '), { type: 'parameterTuple', itemPrefix: '', itemSeparator: ',', itemSuffix: '' }, chunk(' ORDER BY v.id::int')], [chance(0.2) ? 2 : times(below(5), () => below(6))], [{ arity: 'scalar', scalarType: 'int', dbType: null }]))
    default: return node('query', template([...fragments, chunk('(v.id::int, v.id::text) IN ('), { type: 'parameterTupleList', itemPrefix: '(', itemSeparator: ',', itemSuffix: ')', groupSeparator: ',' }, chunk(') ORDER BY v.id::int')], [times(1 + below(4), () => { const n = below(6); return [n, String(n)] })], [{ arity: 'tuple', elements: [{ arity: 'scalar', scalarType: 'int', dbType: null }, { arity: 'scalar', scalarType: 'string', dbType: null }] }]))
  }
}

/** Every type bound and read back. */
function bound(isRaw) {
  const names = times(1 + below(4), () => pick(Object.keys(types)))
  const args = [], argTypes = [], parts = []
  for (const n of names) {
    const t = types[n]
    const isList = chance(0.3) && !noArrays.has(n)
    args.push(chance(0.1) ? null : isList ? times(below(4), () => (chance(0.2) ? null : pick(t.args))) : pick(t.args))
    argTypes.push({ arity: isList ? 'list' : 'scalar', scalarType: chance(0.9) ? t.scalar : 'unknown', ...(t.db && chance(0.8) ? { dbType: t.db + (isList ? '[]' : '') } : {}) })
    parts.push(n + (isList ? '[]' : ''))
  }
  if (isRaw) return { type: 'rawSql', sql: 'SELECT ' + parts.map((p, i) => `$${i + 1}::${p} AS c${i}`).join(', '), args, argTypes }
  const fragments = [chunk('SELECT ')]
  parts.forEach((p, i) => fragments.push({ type: 'parameter' }, chunk(`::${p} AS c${i}` + (i + 1 < parts.length ? ', ' : ''))))
  return template(fragments, args, argTypes)
}

function raw() {
  switch (below(8)) {
    case 0: return node('execute', { type: 'rawSql', sql: pick(['SELECT 1', 'UPDATE oracle_t SET n = n', 'SELECT 1; SELECT 2', 'CREATE TABLE IF NOT EXISTS oracle_t ()', 'DO $$ BEGIN END $$', 'SELECT * FROM oracle_t WHERE n > 2']), args: [], argTypes: [] })
    case 1: return node('query', { type: 'rawSql', sql: pick(['', 'SELECT', 'SELECT 1 AS a, 2 AS a', 'UPDATE oracle_t SET n = n', 'SELECT nope', 'SELECT * FROM nobody', 'SELECT 1/0', 'SELECT $1::int', "SELECT 'x'::int", 'SELEC 1', "SELECT NULL::int WHERE 'a' = ANY('{b}')", `SELECT NULL::${pick(unread)} AS u`]), args: [], argTypes: [] })
    case 2: case 3: case 4: return node('query', bound(true))
    default: return node('query', { type: 'rawSql', sql: table().sql, args: [], argTypes: [] })
  }
}

// ---- Values and nodes
const scalars = [null, true, false, 0, 1, -1, 2.5, '1', '', 'a', '2024-01-02T03:04:05.000Z', 1e21, 'aGk=', '12.9', 'nan']
const scalar = () => pick(scalars)
const record = () => Object.fromEntries(['id', 'k', ...(chance(0.5) ? ['x'] : [])].map((n) => [n, n === 'x' ? scalar() : pick([0, 1, 2, '1', null])]))
const reference = (name, type = 'Any') => ({ prisma__type: 'param', prisma__value: { name, type } })
const parameters = { '%1': 1, '%2': 'a', '%3': [1, 2], '%4': '2024-01-02T03:04:05.678Z', '%5': null, '%6': [[1, 'x']] }
const literalValue = () => {
  switch (below(6)) {
    case 0: return scalar()
    case 1: return times(below(4), scalar)
    case 2: return record()
    case 3: return times(below(4), () => (chance(0.1) ? null : record()))
    case 4: return chance(0.1) ? reference('%9') : chance(0.2) ? reference('%4', 'DateTime') : reference(pick(Object.keys(parameters)))
    default: return { prisma__type: 'generatorCall', prisma__value: { name: 'product', args: [pick([1, [1, 2], [], reference('%3')]), pick(['x', ['y', 'z'], []])] } }
  }
}

function operations(depth = 1) {
  const o = {}
  o.distinct = chance(0.3) ? [pick(['k', 'id', 'x'])] : null
  o.pagination = chance(0.5) ? { cursor: chance(0.4) ? { id: pick([1, 2, 9, reference('%1')]) } : null, take: pick([null, 0, 1, 2, 5]), skip: pick([null, 0, 1, 3]) } : null
  o.reverse = chance(0.3)
  o.linkingFields = chance(0.25) ? ['k'] : null
  o.nested = depth > 0 && chance(0.3) ? { children: operations(depth - 1) } : {}
  return o
}

/** All members, as compilers write them: the reference stumbles over missing ones. */
const one = { distinct: null, pagination: { cursor: null, take: 1, skip: null }, reverse: false, linkingFields: null, nested: {} }

/** Lists of records. */
function rows(depth) {
  if (depth <= 0) return chance(0.7) ? query(table()) : value(times(below(5), record))
  const inner = () => rows(depth - 1)
  switch (below(12)) {
    case 0: case 1: return query(table())
    case 2: case 3: return node('process', { expr: inner(), operations: operations() })
    case 4: return node('concat', times(below(3), inner))
    case 5: return node('diff', { from: inner(), to: inner(), fields: pick([['id'], ['k'], ['id', 'k']]) })
    case 6: return node('reverse', inner())
    case 7: case 8: return node('join', { parent: inner(), canAssumeStrictEquality: chance(0.5), children: times(1 + below(2), (i) => ({ child: inner(), on: pick([[['id', 'k']], [['k', 'k']], [['id', 'id'], ['k', 'k']]]), parentField: i ? 'other' : 'children', isRelationUnique: chance(0.3) })) })
    case 9: return node('let', { bindings: [{ name: 'r', expr: inner() }, ...(chance(0.5) ? [{ name: 'r', expr: node('reverse', get('r')) }] : [])], expr: chance(0.8) ? get('r') : node('getFirstNonEmpty', { names: ['q', 'r'] }) })
    case 10: return node('if', { value: inner(), rule: rule(), then: inner(), else: inner() })
    default: return node('seq', [inner(), inner()])
  }
}
const rule = () => pick([{ type: 'rowCountEq', args: below(3) }, { type: 'rowCountNeq', args: below(3) }, { type: 'affectedRowCountEq', args: 1 }, { type: 'never' }])
const context = { operation: 'a query', relation: 'R', relationType: 'one-to-many', model: 'M', modelA: 'A', modelB: 'B', parent: 'P', child: 'C', expectedRows: 2, neededFor: null }
const identifiers = ['RELATION_VIOLATION', 'RECORDS_NOT_CONNECTED', 'INCOMPLETE_CONNECT_OUTPUT', 'MISSING_RECORD', 'MISSING_RELATED_RECORD', 'INCOMPLETE_CONNECT_INPUT']

/** Anything. */
function any(depth) {
  if (depth <= 0) return chance(0.6) ? value(literalValue()) : rows(0)
  const inner = () => any(depth - 1)
  switch (below(14)) {
    case 0: return value(literalValue())
    case 1: return node('sum', times(below(4), () => (chance(0.6) ? value(pick([1, 2.5, '3', 0, 'x'])) : inner())))
    case 2: return node('unique', chance(0.5) ? node('process', { expr: rows(depth - 1), operations: one }) : inner())
    case 3: return node('required', inner())
    case 4: return node('mapField', { field: pick(['id', 'k', 'x', 'children']), records: inner() })
    case 5: return node('validate', { expr: inner(), rules: times(below(3), rule), errorIdentifier: pick(identifiers), context: { ...context, neededFor: pick([null, 'do it']) } })
    case 6: return node('initializeRecord', { expr: inner(), fields: { a: { type: 'value', value: literalValue() }, b: { type: 'lastInsertId' } } })
    case 7: return node('mapRecord', { expr: chance(0.7) ? value(pick([{ n: 10, s: '4' }, null, { n: 2.5, s: '1e3' }])) : inner(), fields: { n: { type: pick(['add', 'subtract', 'multiply', 'divide']), value: pick([0, 3, '2', 0.1]) }, z: { type: 'set', value: literalValue() } } })
    case 8: return node('transaction', inner())
    case 9: return node('execute', template([chunk('UPDATE oracle_t SET n = n WHERE n IN '), { type: 'parameterTuple', itemPrefix: '', itemSeparator: ',', itemSuffix: '' }], [times(below(4), () => below(5))], [{ arity: 'scalar', scalarType: 'int', dbType: null }]))
    case 10: return node('query', bound(false))
    case 11: return node('concat', times(below(3), inner))
    case 12: return node('let', { bindings: [{ name: 'a', expr: inner() }, { name: 'b', expr: inner() }], expr: pick([get('a'), node('getFirstNonEmpty', { names: ['a', 'b'] }), node('concat', [get('a'), get('b')]), value(reference('a'))]) })
    default: return rows(depth)
  }
}

/** A dataMap whose fields mostly fit. */
function mapped() {
  const t = table(chance(0.7) ? 1 : 0)
  const fields = {}
  t.names.forEach((n, i) => {
    const fitting = types[t.kinds[i]].fields
    // Byte buffers have words of JavaScript's own in errors.
    const isBytes = t.kinds[i] === 'bytea'
    const type = fieldType(isBytes || chance(0.85) ? pick(fitting) : pick(['string', 'int', 'bigint', 'float', 'boolean', 'decimal', 'json', 'datetime', 'unsupported']))
    fields['f' + n] = field(chance(0.97) || t.kinds.includes('bytea') ? n : 'gone', type, t.arrays[i] !== (!isBytes && chance(0.03)) ? 'list' : 'required')
  })
  let expr = query(t)
  const structure = { type: 'object', serializedName: null, skipNulls: chance(0.3), fields }
  if (chance(0.3)) fields.group = { type: 'object', serializedName: null, skipNulls: false, fields: { again: field('id', 'int') } }
  if (chance(0.4)) {
    const child = table(1)
    expr = node('join', { parent: expr, canAssumeStrictEquality: chance(0.5), children: [{ child: query(child), on: [['id', pick(['id', 'k'])]], parentField: 'rel', isRelationUnique: chance(0.4) }] })
    fields.rel = { type: 'object', serializedName: 'rel', skipNulls: false, fields: { id: field('id', 'int'), k: field('k', child.kinds[1] === 'int4' ? 'int' : 'string') } }
    if (chance(0.4)) expr = node('process', { expr, operations: { ...operations(0), nested: chance(0.5) ? { rel: operations(0) } : {} } })
  }
  if (chance(0.2)) expr = node('unique', node('process', { expr, operations: one }))
  return node('dataMap', { expr, structure, enums })
}

/** A relation as jsonb, as lateral joins have it. */
function joined() {
  const t = table(1)
  const sql = `SELECT v.id, jsonb_build_array(to_jsonb(w)) AS rel, to_jsonb(w)::text AS one FROM (VALUES (1),(2)) AS v(id), (${t.sql}) AS w`
  const scalars = new Set(['bool', 'int2', 'int4', 'text', 'uuid', 'date', 'timestamp', 'timestamptz', 'bytea', 'inet'])
  const inner = {}
  t.names.forEach((n, i) => {
    if (t.arrays[i] || !scalars.has(t.kinds[i])) return
    inner[n] = field(n, t.kinds[i] === 'bytea' ? { type: 'bytes', encoding: 'hex' } : pick(types[t.kinds[i]].fields.map(fieldType)))
  })
  const object = (serializedName) => ({ type: 'object', serializedName, skipNulls: chance(0.5), fields: inner })
  let expr = node('query', template([chunk(sql)]))
  if (chance(0.5)) expr = node('process', { expr, operations: { ...one, pagination: null, reverse: chance(0.5), nested: { rel: operations(0) } } })
  return node('dataMap', { expr, structure: { type: 'object', serializedName: null, skipNulls: false, fields: { id: field('id', 'int'), rel: object('rel'), one: object('one') } }, enums })
}

const affected = () => node('dataMap', { expr: any(1), structure: { type: 'affectedRows' }, enums: {} })
const plan = () => pick([() => any(3), () => any(2), () => rows(3), mapped, mapped, mapped, joined, raw, raw, affected])()

// ---- Both
const executor = spawn(process.execPath, [bundle + '/bin/qpe.mjs', '--url', postgres], { stdio: ['ignore', 'pipe', 'inherit'] })
const [line] = await once(executor.stdout, 'data')
const reference_ = JSON.parse(line).url
const ours = 'http://' + new URL(prisma.replace('prisma+postgres:', 'http:')).host
const key = new URL(prisma.replace('prisma+postgres:', 'http:')).searchParams.get('api_key')

async function send(base, body) {
  const response = await fetch(base + '/query', { method: 'POST', headers: { authorization: 'Bearer ' + key, 'content-type': 'application/json', 'prisma-engine-hash': '7.10.0' }, body })
  const text = await response.text()
  try { return { status: response.status, body: JSON.parse(text) } } catch { return { status: response.status, body: text } }
}

/** Rows inside an error's words show bytes as Node's buffers. */
const hasBuffer = (answer) => answer.status === 400 && /; data: .*"c\d"/.test(answer.body.error)
/** What docs/compatibility.md lists, and failures without a class, whose words are JavaScript's own. */
const comparable = (answer) => (answer.status === 500 ? { status: 500 } : hasBuffer(answer) ? { status: 400, code: answer.body.code } : answer)
const listed = (a, b) => a.status === 500 && b.status === 200 && /map is not a function|Invalid time value|BigInt|undefined \(reading 'map'\)/.test(a.body?.error ?? '')

let differ = 0
for (let i = 0; i < Number(countText); i++) {
  const before = state
  const body = JSON.stringify({ operation: 'oracle', plan: plan(), params: parameters })
  const [theirs, mine] = await Promise.all([send(reference_, body), send(ours, body)])
  if (isDeepStrictEqual(comparable(theirs), comparable(mine)) || listed(theirs, mine)) continue
  differ += 1
  console.log(`plan ${i} (seed ${before}): ${body}\n  reference: ${JSON.stringify(theirs)}\n  ours:      ${JSON.stringify(mine)}`)
}
executor.kill()
await once(executor, 'exit')
console.log(differ ? `differ ${differ}` : `ok ${countText}`)
