# fails: an alarm that the story does not expect: violation
story: A lie and no word of the alarm
given provinces care, home, east
given li of home with 30.00
given wang of east with 500.00
given wang pays for li

settle s1 100.00 of li at care
expect s1 COMMITTED at east
lie: care tells east ABORT of s1
wait 1s
expect s1 done
