package io.vhost.device;

import io.vhost.device.BurstContractTest.Copies;
import io.vhost.device.RawRing.Round;
import io.vhost.ring.RingFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each class of hostile rings, in each format, in both directions and with each way of copying: exactly the
 * violation that it must be, or none; every packet accounted for; the eventfds signalled when they are due
 * and not otherwise; no byte of the guest's memory written but in the chains that were used; the neighbour on
 * the same thread served before and after; and a queue that works again when its front-end has restarted it.
 */
@ParameterizedClass(name = "{0}, to the guest: {1}, {2}")
@MethodSource("io.vhost.device.BurstContractTest#ways")
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class HostileMatrixTest {
    @Parameter(0)
    private RingFormat format;
    @Parameter(1)
    private boolean toGuest;
    @Parameter(2)
    private Copies copies;

    private HostileCell cell;

    @BeforeEach
    void open() throws Exception {
        cell = new HostileCell(format, toGuest, copies);
    }

    @AfterEach
    void nothingIsLeft() {
        cell.close();
    }

    @ParameterizedTest
    @EnumSource
    void theClassIsMetAsItMustBe(HostileClass hostile) throws Exception {
        if (!hostile.isOf(format)) {
            return; // HostileClassTest says which cells there cannot be.
        }
        for (HostileAct act : hostile.acts()) {
            for (Round round : Round.values()) {
                try {
                    cell.play(act, round);
                } catch (RuntimeException | AssertionError e) {
                    throw new AssertionError("%s, %s".formatted(act.name(), round), e);
                }
            }
        }
    }
}
