package io.vhost.bpf.verify;

/** How exactly the ways through a program are told apart. */
enum Exploration {
    /** Each state is followed unless one that was followed covers it; all ways end. */
    EXACT,
    /**
     * States that differ in numbers alone which are not known are made one where they become many; all ways
     * end. What is lost makes a program refused, never accepted.
     */
    JOINED,
    /** The same with numbers that loops change, and ways need not end. */
    ENDLESS
}
