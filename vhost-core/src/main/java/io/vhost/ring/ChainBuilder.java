package io.vhost.ring;

import io.vhost.memory.AddressTranslator;
import io.vhost.state.RingViolation;

/**
 * Puts the chains that a ring walks into a batch, buffer by buffer, and validates each (virtio 1.2, 2.7 and
 * 2.8): what holds for every ring format. Nothing that a driver writes makes it throw or leave the memory.
 *
 * <p>Thread: that of its ring. {@link #begin}, then {@link #add} for each buffer, then {@link #end} or
 * {@link #drop}. After a {@code false} or {@link #REFUSED} either {@link #violation} is set, or the batch has
 * no room for the chain now.
 */
final class ChainBuilder {
    /** {@link #indirectTable}: the table broke a rule. */
    static final long REFUSED = -1;

    private final AddressTranslator translator;
    private final int size;
    private final boolean indirect;

    private WorkBudget budget = new WorkBudget();
    private ChainBatch batch;
    /** Descriptors and pieces of buffers that the chain has cost so far. */
    private int walked;
    private int firstBuffer;
    private int emptyBefore;
    private int readable;
    private boolean writing;
    private long total;
    private RingViolation violation;
    private long violationDetail;

    /**
     * For the chains of one ring.
     *
     * @param translator of the guest's memory
     * @param size entries of the ring
     * @param options negotiated features
     */
    ChainBuilder(AddressTranslator translator, int size, RingOptions options) {
        this.translator = translator;
        this.size = size;
        this.indirect = options.indirect();
    }

    /** Charges chains to this budget. */
    void charge(WorkBudget newBudget) {
        budget = newBudget;
    }

    /** {@return the rule that the driver broke, or null} */
    RingViolation violation() {
        return violation;
    }

    /** {@return the offending value: an index, address or length} */
    long violationDetail() {
        return violationDetail;
    }

    /** Begins a chain behind those that the batch holds. */
    void begin(ChainBatch target) {
        batch = target;
        walked = 0;
        firstBuffer = target.buffers;
        emptyBefore = target.empty;
        readable = 0;
        writing = false;
        total = 0;
    }

    /**
     * Adds one descriptor's buffer, in pieces where it crosses from one memory region into the next. One
     * without bytes is counted only: a driver could make every chain of the ring as long as the ring with
     * them, at no cost to itself.
     *
     * @param address in the guest, unsigned
     * @param length bytes, 0 to 2^32-1
     * @param deviceWrites the device writes it; false: it reads it
     */
    boolean add(long address, long length, boolean deviceWrites) {
        if (writing && !deviceWrites) {
            return refuse(RingViolation.READABLE_AFTER_WRITABLE, address);
        }
        writing = deviceWrites;
        total += length;
        if (total >= 1L << 32) {
            return refuse(RingViolation.CHAIN_TOO_LARGE, total);
        }
        if (length > 0 && Long.compareUnsigned(address + length - 1, address) < 0) {
            return refuse(RingViolation.BUFFER_UNMAPPED, address);
        }
        if (length == 0) {
            walked++;
            if (!batch.hasRoom()) {
                return stopFull();
            }
            batch.empty++;
            return true;
        }
        return addPieces(address, length, deviceWrites);
    }

    private boolean addPieces(long address, long length, boolean deviceWrites) {
        long rest = length;
        while (rest > 0) {
            walked++;
            long position = address + (length - rest);
            long piece = Math.min(Math.min(rest, Integer.MAX_VALUE), translator.contiguousLength(position));
            long offset = piece == 0 ? -1 : translator.translate(position, piece);
            if (offset < 0) {
                return refuse(RingViolation.BUFFER_UNMAPPED, position);
            }
            if (!batch.hasRoom()) {
                return stopFull();
            }
            batch.bufferOffset[batch.buffers] = offset;
            batch.bufferLength[batch.buffers++] = (int) piece;
            readable += deviceWrites ? 0 : 1;
            rest -= piece;
        }
        return true;
    }

    /**
     * Finds an indirect table (virtio 1.2, 2.7.5.3 and 2.8.7).
     *
     * @param address in the guest, unsigned
     * @param bytes of the table
     * @param nested the descriptor that names it is in such a table itself
     * @param continued that descriptor says that another follows
     * @return where the table lies in the window, or {@link #REFUSED}
     */
    long indirectTable(long address, long bytes, boolean nested, boolean continued) {
        walked++;
        if (!indirect) {
            return refuseTable(RingViolation.INDIRECT_NOT_NEGOTIATED, address);
        }
        if (nested) {
            return refuseTable(RingViolation.NESTED_INDIRECT, address);
        }
        if (continued) {
            return refuseTable(RingViolation.INDIRECT_WITH_NEXT, address);
        }
        long most = (long) Descriptors.DESC_SIZE * Math.max(size, ChainBatch.MAX_INDIRECT);
        if (bytes == 0 || bytes % Descriptors.DESC_SIZE != 0 || bytes > most) {
            return refuseTable(RingViolation.INDIRECT_TABLE_SIZE, bytes);
        }
        long offset = translator.translate(address, bytes);
        return offset < 0 ? refuseTable(RingViolation.INDIRECT_TABLE_UNMAPPED, address) : offset;
    }

    /**
     * Ends the chain and adds it to the batch.
     *
     * @param id what names it to the driver
     * @param descriptors how many descriptors of the ring it takes
     * @return false for a chain without a byte: nobody has a use for it, and a chain without a buffer would
     *     be an exception for all users
     */
    boolean end(int id, int descriptors) {
        if (total == 0) {
            return refuse(RingViolation.EMPTY_CHAIN, id);
        }
        budget.spend(walked, total);
        batch.addChain(id, firstBuffer, readable, descriptors, total);
        return true;
    }

    /** Takes the buffers of a chain that did not end back out of the batch. */
    void drop() {
        budget.spend(walked, 0);
        batch.buffers = firstBuffer;
        batch.empty = emptyBefore;
    }

    /**
     * With chains before it in the batch, a chain that has no room there only has to wait for the next one.
     */
    private boolean stopFull() {
        batch.full = true;
        return batch.chains == 0 && refuse(RingViolation.CHAIN_TOO_LONG, batch.buffers);
    }

    private long refuseTable(RingViolation rule, long detail) {
        refuse(rule, detail);
        return REFUSED;
    }

    /** Notes the rule that the driver broke; false. */
    boolean refuse(RingViolation rule, long detail) {
        violation = rule;
        violationDetail = detail;
        return false;
    }
}
