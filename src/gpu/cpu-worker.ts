/** One further thread of cpu-backend.ts. */
import { answerThread } from '../thread-side.ts'
import { createCpuSlice } from './cpu-slice.ts'

answerThread({ ...createCpuSlice() })
