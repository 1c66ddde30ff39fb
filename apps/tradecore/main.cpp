// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

int main()
{
    std::puts("tradecore " TRADECORE_VERSION);
    return 0;
}
