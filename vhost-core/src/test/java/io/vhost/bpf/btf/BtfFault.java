package io.vhost.bpf.btf;

/**
 * A blob with one fault.
 *
 * @param name  what is wrong
 * @param errno the error number
 * @param text  the text
 * @param blob  the blob
 */
@SuppressWarnings("ArrayRecordComponent")   // compared by nobody
record BtfFault(String name, Errno errno, String text, byte[] blob) {
    @Override
    public String toString() {
        return name;
    }
}
