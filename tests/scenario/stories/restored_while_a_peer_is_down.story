story: A store is put back while a third province is down: nothing is promised until that one has told what it holds
about: crash: store put back from a copy
given provinces care, home, east
given li of home with 30.00
given chen of east with 50.00
given wang of east with 500.00
given wang pays for li

back up east
settle s1 100.00 of li at care
expect s1 done
expect everything decided
crash east
crash home
wait 2s
restore east
restart east
expect alarm resync_needed at east
for 10s expect east is resync
settle s2 10.00 of chen at care
expect s2 refused RESYNC
restart home
expect east is open
expect s1 COMMITTED at east
expect wang has 430.00
settle s3 10.00 of li at care
expect s3 paid by wang 10.00
