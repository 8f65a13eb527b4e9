story: A payer's store is put back to before a settlement and its refund: both come back, in their order
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
refund r1 40.00 of s1
expect r1 done
expect everything decided
crash east
wait 2s
restore east
restart east
expect alarm resync_needed at east
expect east is open
expect wang has 470.00
refund r2 60.00 of s1
expect r2 says remaining 0.00
expect wang has 500.00
expect li has 30.00
refund r3 0.01 of s1
expect r3 refused EXCEEDS_ORIGINAL
