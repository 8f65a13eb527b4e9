story: A refund in parts: the last source first, then the rest, then nothing more
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 done
refund r1 40.00 of s1
expect r1 says remaining 60.00
expect wang has 470.00
refund r2 60.00 of s1
expect r2 says remaining 0.00
expect li has 30.00
expect wang has 500.00
refund r3 0.01 of s1
expect r3 refused EXCEEDS_ORIGINAL
