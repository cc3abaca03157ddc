/** The sign of compute-node: a machine of a ring of six, with what is proven in its middle. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 24 24" fill="none" aria-hidden="true">
      <path d="M12 2.5 20.2 7.25v9.5L12 21.5l-8.2-4.75v-9.5Z" className="mark-ring" />
      <circle cx="12" cy="12" r="3.2" className="mark-core" />
    </svg>
  )
}
