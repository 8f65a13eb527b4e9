story: The coordinator dies when it writes that all have acknowledged: COMMIT goes out again and is acknowledged again
about: crash: coordinator after COMMITTED is flushed
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

crash care before writing ENDED
settle s1 100.00 of li at care
expect s1 done
expect care is down
restart care
expect s1 ENDED at care
expect wang has 430.00
