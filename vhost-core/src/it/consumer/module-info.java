/** An application. */
module consumer {
    requires io.vhost.core;
}
