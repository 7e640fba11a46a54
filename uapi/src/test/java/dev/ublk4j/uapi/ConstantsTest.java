package dev.ublk4j.uapi;

import static org.assertj.core.api.Assertions.assertThat;

import dev.ublk4j.uapi.wire.IoCommand;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConstantsTest {
    @ParameterizedTest
    @EnumSource
    void aControlCommandIsFoundByItsEncodedOperation(ControlCommand command) throws Exception {
        assertThat(ControlCommand.of(command.op())).isSameAs(command);
        assertThat(ControlCommand.class.getField(command.cName()).getInt(null))
                .isEqualTo(command.op());
    }

    @ParameterizedTest
    @EnumSource
    void aControlCommandHasALegacyOperationWhereTheHeaderDefinesOne(ControlCommand command) {
        assertThat(command.hasLegacyOp())
                .isEqualTo(Fixture.javaConstants().containsKey("UBLK_CMD_" + command.name()));
        assertThat(ControlCommand.of(command.number())).isSameAs(command);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 0x1a, 0x20, 0xff, 0xc020_751f, 0xc020_7604, 0xc020_0104, -1})
    void anOperationThatIsNoControlCommandIsNotFound(int op) {
        assertThat(ControlCommand.of(op)).isNull();
    }

    @Test
    void onlyGettingFeaturesIsAboutNoDevice() {
        assertThat(ControlCommand.values())
                .filteredOn(command -> !command.isAboutDevice())
                .containsExactly(ControlCommand.GET_FEATURES);
    }

    @Test
    void aCommandThatCameWithAFeatureNamesIt() {
        assertThat(ControlCommand.REG_BUF.feature()).contains(Feature.SHMEM_ZC);
        assertThat(ControlCommand.TRY_STOP_DEV.feature()).contains(Feature.SAFE_STOP_DEV);
        assertThat(ControlCommand.ADD_DEV.feature()).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void aFeatureIsItsBit(Feature feature) throws Exception {
        assertThat(feature.mask()).isEqualTo(1L << feature.bit());
        assertThat(Feature.class.getField(feature.cName()).getLong(null)).isEqualTo(feature.mask());
        assertThat(feature.in(~feature.mask())).isFalse();
    }

    @Test
    void flagsAndSetsOfFeaturesAreTheSame() {
        EnumSet<Feature> some = EnumSet.of(Feature.SUPPORT_ZERO_COPY, Feature.IO_DESC_SIZE);

        assertThat(Feature.flags(some)).isEqualTo(1L | 1L << 20);
        assertThat(Feature.of(Feature.flags(some))).isEqualTo(some);
        assertThat(Feature.of(1L << 63)).isEmpty();
    }

    @Test
    void namesAreThoseOfTheHeaderInLowerCase() {
        assertThat(IoOp.name(IoOp.UBLK_IO_OP_WRITE_ZEROES)).isEqualTo("write-zeroes");
        assertThat(IoOp.name(99)).isEqualTo("99");
        assertThat(DeviceState.name(DeviceState.UBLK_S_DEV_FAIL_IO)).isEqualTo("fail_io");
        assertThat(IoCommand.name(IoCommand.UBLK_U_IO_FETCH_REQ)).isEqualTo("UBLK_U_IO_FETCH_REQ");
        assertThat(IoCommand.name(IoCommand.UBLK_IO_FETCH_REQ)).isEqualTo("UBLK_U_IO_FETCH_REQ");
        assertThat(IoCommand.name(0x1234)).isEqualTo("0x1234");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27})
    void anIoCommandIsNamedAsItsConstant(int number) throws Exception {
        int op = 0xc010_7500 | number;

        assertThat(IoCommand.number(op)).isEqualTo(number);
        assertThat(IoCommand.class.getField(IoCommand.name(op)).getInt(null)).isEqualTo(op);
    }
}
