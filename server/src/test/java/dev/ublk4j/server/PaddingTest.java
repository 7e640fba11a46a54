package dev.ublk4j.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.driver.Driver;
import dev.ublk4j.driver.spi.CharDevice;
import dev.ublk4j.embedded.Disk;
import dev.ublk4j.embedded.EmbeddedDriver;
import dev.ublk4j.linux.Mapping;
import dev.ublk4j.uapi.ControlCommand;
import dev.ublk4j.uapi.wire.ControlCommandLayout;
import dev.ublk4j.uapi.wire.DeviceInfoLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PaddingTest {
    private static final int PAGE = 4096;

    /** Answers as a kernel before 7.3: {@code io_desc_size} is padding and holds anything. */
    private record Older(EmbeddedDriver driver, int padding) implements Driver {
        @Override
        public String name() {
            return driver.name();
        }

        @Override
        @SuppressWarnings("restricted") // the payload of a command is where it says
        public int control(int commandOp, MemorySegment command, Duration timeout) {
            int answer = driver.control(commandOp, command, timeout);
            if (commandOp == ControlCommand.UBLK_U_CMD_ADD_DEV
                    || commandOp == ControlCommand.UBLK_U_CMD_GET_DEV_INFO) {
                MemorySegment info =
                        MemorySegment.ofAddress(ControlCommandLayout.addr(command, 0))
                                .reinterpret(DeviceInfoLayout.SIZE);
                DeviceInfoLayout.ioDescSize(info, 0, padding);
            }
            return answer;
        }

        @Override
        public CharDevice open(int deviceId) {
            return driver.open(deviceId);
        }

        @Override
        public void close() {
            driver.close();
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 0xffff})
    void aDriverThatDoesNotFillInTheStrideIsServed(int padding) {
        try (EmbeddedDriver driver = EmbeddedDriver.create();
                Device device =
                        Device.start(
                                new Older(driver, padding),
                                new TestDisk(),
                                DeviceOptions.defaults().withQueues(2).withDepth(16));
                Disk disk = driver.openBlock(device.id());
                Arena arena = Arena.ofConfined()) {
            MemorySegment page = Mapping.anonymous(PAGE, Mapping.MAP_PRIVATE, arena);
            page.set(ValueLayout.JAVA_LONG, 8, 4711);
            assertThat(disk.write(page, 0)).isEqualTo(PAGE);
            page.fill((byte) 0);
            assertThat(disk.read(page, 0)).isEqualTo(PAGE);

            assertThat(page.get(ValueLayout.JAVA_LONG, 8)).isEqualTo(4711);
        }
    }
}
