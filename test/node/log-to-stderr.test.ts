import { expect, test } from 'vitest'
import { NodeError } from '../../src/errors.ts'
import { createLog, type LogOptions } from '../../src/node/log-to-stderr.ts'

function logged(options: Partial<LogOptions>, write: (log: ReturnType<typeof createLog>) => void) {
  const lines: string[] = []
  write(
    createLog({ level: 'debug', json: true, ...options, write: (line) => void lines.push(line) }),
  )
  return lines
}

test('JSON lines carry level, scope, event and fields', () => {
  const [line] = logged({}, (log) =>
    log.child('offers').child('sync').info('page-sent', { bytes: 5n, peer: 'x' }),
  )
  expect(JSON.parse(line!)).toMatchObject({
    level: 'info',
    scope: 'offers/sync',
    event: 'page-sent',
    bytes: '5',
    peer: 'x',
  })
})

test('levels below the chosen one are not written', () => {
  expect(logged({ level: 'warn' }, (log) => log.info('quiet'))).toEqual([])
  expect(logged({ level: 'silent' }, (log) => log.error('quiet', new Error('x')))).toEqual([])
})

test('secrets are not written, whoever passes them', () => {
  const text = logged({}, (log) =>
    log.warn('oops', {
      seed: 'hidden',
      walletPassword: 'hidden',
      apiToken: 'hidden',
      mnemonic: 'hidden',
    }),
  ).join('')
  expect(text).not.toContain('hidden')
})

test('an expected error shows its code and cause, an unexpected one its stack', () => {
  const cause = new Error('socket closed')
  const [first, second] = logged({}, (log) => {
    log.error('dial-failed', new NodeError('PEER_UNREACHABLE', 'cannot reach x', { cause }))
    log.error('broke', new TypeError('x is not a function'))
  })
  const expected = JSON.parse(first!)
  expect(expected).toMatchObject({
    code: 'PEER_UNREACHABLE',
    error: 'cannot reach x',
    cause: 'socket closed',
  })
  expect(expected.stack).toBeUndefined()
  expect(JSON.parse(second!).stack).toContain('TypeError')
})

test('people read one line', () => {
  const [line] = logged({ json: false }, (log) =>
    log.child('offers').warn('sync-slow', { peer: 'a b', pages: 3 }),
  )
  expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn {2}offers: sync-slow peer="a b" pages=3\n$/)
})

test('nothing that a peer said steers the terminal', () => {
  const evil = 'a\u001b[2Jb\u009b1mc\u202ed\r'
  const lines = logged({ json: false }, (log) => {
    log.warn('peer-said', { what: evil, [`key\u001b`]: 1 })
    log.error('peer-broke-it', new TypeError(evil))
  }).join('')
  expect(lines).not.toMatch(/[\p{Cf}]|(?!\n)\p{Cc}/u)
  expect(lines).toContain('[2Jb')
})
