import { accessToken, madeToken } from '../../api/access.ts'
import { listOf } from '../../api/common.ts'
import type { Outputs } from './output.ts'

/** What `token` prints. */
export const tokenOutputs: Outputs = {
  'token create': { describe: 'the token, with its secret', schema: madeToken },
  'token list': { describe: 'a list', schema: listOf(accessToken) },
  'token revoke': { describe: 'the token that was', schema: accessToken },
}
