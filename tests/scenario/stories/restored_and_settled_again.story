story: A coordinator forgot a settlement; its hospital sends the message again and another one: one payment each
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

back up care
settle s1 100.00 of li at care
expect s1 done
settle s2 50.00 of li at care
expect s2 done
expect everything decided
crash care
wait 2s
restore care
restart care
expect alarm resync_needed at care
expect care is open
send s2 again
send s1 again
expect s1 done
expect s2 done
expect s1 paid by li 30.00, wang 70.00
expect wang has 380.00
refund r1 50.00 of s2
expect r1 done
expect wang has 430.00
