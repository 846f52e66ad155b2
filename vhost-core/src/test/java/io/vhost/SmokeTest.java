package io.vhost;

import org.junit.jupiter.api.Test;

class SmokeTest {
    @Test
    void theBuildRunsTests() {}
}
