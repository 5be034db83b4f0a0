package codegen

import "testing"

// TestKernelLoopBounds has a loop whose variables get bounds from each other, which `$v8++` then moves: the verifier of Linux 6.18 followed
// a thousand rounds and gave up. TestKernelDiffer found it; nothing smaller shows it.
func TestKernelLoopBounds(t *testing.T) {
	inKernel(t, `
		rawtracepoint:sys_enter {
			@a = (int64)1; @b = (int64)arg1; @u = (uint64)arg2; @n8 = (int8)arg3; @k[(int64)0] = (int64)arg4; @ku[(int64)1] = (uint16)arg5;
			$true = (bool)arg0; $sum = true + $true;
			$v1 = (int8)255;
			$v2 = (uint8)$sum;
			$v3 = (int16)arg0;
			$v4 = (uint16)256;
			$v5 = (int32)@b;
			$v6 = (uint32)$v5;
			let $v7;
			$v8 = (uint64)(-9223372036854775807);
			if (((($v4 < $v4) ? (int64)$v3 : (int64)$v3) << 52) <= (~((@ku[(int64)($true & 3)] + @ku[(int64)($v1 & 3)])))) {
			for ($i9 : (int8)arg1..2) {
			$v2 |= ((arg5 == arg1) || (arg0 <= arg0));
			}
			$w10 = (int64)0; while ($w10 < 4 && (65536 > (arg0 % arg0))) { $w10++;
			$v7 = (int64)$v8++;
			if (!(($v8 != $w10) && (4294967296 >= $v3))) {
			$v5 = (int32)(((bool)($v6) ^ arg1));
			}
			}
			}
			$v2 = (int32)((($v7 << (uint8)arg0) / -1));
			unroll (3) {
			$v5 = (int8)((int16)((((!($v2)) != ($v5 + @b)) ? (int64)(9223372036854775807 % (int64)arg3) : (int64)$sum)));
			}
		}`)
}
