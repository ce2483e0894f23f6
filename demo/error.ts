/** Something that the person who runs the demo should read: shown as its message alone. */
export class DemoError extends Error {}
