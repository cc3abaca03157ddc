import { bytesText } from './format.ts'

/** A number of bytes for a person; exact on hover. */
export function Bytes({ bytes }: { bytes: number }) {
  return (
    <span className="num" title={`${bytes} bytes`}>
      {bytesText(bytes)}
    </span>
  )
}
