story: The coordinator's key is revoked before its COMMIT arrives: the old signature is refused, the same decision under the new key counts
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

hold every commit from care to east as old
settle s1 100.00 of li at care
expect s1 done
wait 1s
revoke the key of care
let commit pass from care to east
release old
expect event parcel_refused at east
for 2s expect s1 PREPARED at east
crash care
restart care
expect s1 COMMITTED at east
send s1 again
expect s1 done
expect wang has 430.00
