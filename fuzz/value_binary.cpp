// SPDX-License-Identifier: Apache-2.0
// Values of every SQL type in binary format, with any bytes, read as every C++ type that accepts them: read or refused
// with type_error; what was read and is sent back comes back the same.
#include "harness/values.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    tradecore::fuzz::read_value(data, size, tradecore::pg::wire_format::binary);
    return 0;
}
