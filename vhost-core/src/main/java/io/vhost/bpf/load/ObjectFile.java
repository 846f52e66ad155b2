package io.vhost.bpf.load;

import io.vhost.bpf.BpfException;
import io.vhost.bpf.BpfObject;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** The file of an object. Thread: stateless. */
public final class ObjectFile {
    private ObjectFile() {
    }

    /**
     * Reads an object.
     *
     * @throws IOException  if the file cannot be read; the text names it
     * @throws BpfException if it is no object
     */
    public static BpfObject read(Path file) throws IOException, BpfException {
        try {
            return BpfObject.read(file);
        } catch (FileSystemException named) {
            throw named;
        } catch (IOException e) {
            if (String.valueOf(e.getMessage()).startsWith(file.toString())) {
                throw e;
            }
            // As of a directory: the system does not say which.
            throw new IOException(file + ": " + e.getMessage(), e);
        }
    }
}
