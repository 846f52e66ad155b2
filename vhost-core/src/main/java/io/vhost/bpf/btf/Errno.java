package io.vhost.bpf.btf;

/** The error numbers with which the kernel refuses BTF and programs; names and numbers as in its errno.h. */
public enum Errno {
    /** No such entry. */
    ENOENT(2),
    /** Too big. */
    E2BIG(7),
    /** Permission denied: what the verifier answers for an access that it does not allow. */
    EACCES(13),
    /** Bad address: in the verifier, an inconsistency. */
    EFAULT(14),
    /** Already there: in BTF, a loop. */
    EEXIST(17),
    /** Invalid argument: the usual refusal. */
    EINVAL(22),
    /** Too many links: a chain of modifiers without an end. */
    ELOOP(40),
    /** Operation not supported. */
    EOPNOTSUPP(95),
    /** Not supported: a number that the kernel leaks to users although it is not in their errno.h. */
    ENOTSUPP(524);

    private final int number;

    Errno(int number) {
        this.number = number;
    }

    /** The positive number. */
    public int number() {
        return number;
    }
}
